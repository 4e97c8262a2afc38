/*
 * Golden record batches: what Kafka's Java client writes, and what it reads in it. One line each: name, batch in
 * hex, JSON.
 *
 * Keys and values above 100 bytes are shown as "length:CRC-32C" to keep the file small.
 */
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.internals.Crc32C;
import org.apache.kafka.common.utils.Utils;

final class Batches {
    private static final long TIME = 1_700_000_000_000L;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Batches() {}

    /** A small batch for the records fields of messages. */
    static MemoryRecords records(int seed) {
        return MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(TIME + seed, bytes("key-" + seed), bytes("value")));
    }

    static String lines() {
        StringBuilder lines = new StringBuilder();
        for (CompressionType codec : CompressionType.values()) {
            if (codec.id > CompressionType.ZSTD.id) continue;
            add(lines, codec.name + "-mixed", mixed(codec, TimestampType.CREATE_TIME));
            add(lines, codec.name + "-log-append-time", mixed(codec, TimestampType.LOG_APPEND_TIME));
            if (codec != CompressionType.NONE) add(lines, codec.name + "-large", large(codec));
        }
        add(lines, "idempotent", MemoryRecords.withIdempotentRecords(7, Compression.NONE, 4321L, (short) 5, 77, 3,
            new SimpleRecord(TIME, bytes("k"), bytes("v")), new SimpleRecord(TIME + 9, null, bytes("w"))));
        add(lines, "sequence-wraps", MemoryRecords.withIdempotentRecords(7, Compression.NONE, 4321L, (short) 5, Integer.MAX_VALUE, 3,
            new SimpleRecord(TIME, bytes("k"), bytes("v")), new SimpleRecord(TIME + 9, null, bytes("w"))));
        add(lines, "transactional", MemoryRecords.withTransactionalRecords(9L, Compression.NONE, 99L, (short) 1, 0, 2,
            new SimpleRecord(TIME, bytes("k"), bytes("v"))));
        add(lines, "commit-marker", MemoryRecords.withEndTransactionMarker(12L, TIME, 4, 99L, (short) 1,
            new EndTransactionMarker(ControlRecordType.COMMIT, 8)));
        return lines.toString();
    }

    private static MemoryRecords mixed(CompressionType codec, TimestampType type) {
        MemoryRecordsBuilder builder = builder(codec, type, 4096);
        builder.append(TIME, bytes("key"), bytes("välue"));
        builder.append(TIME + 5000, null, bytes("no key"));
        builder.append(TIME - 77, bytes("tombstone"), null);
        builder.append(TIME + 5000, bytes(""), bytes(""), new Header[] {
            new RecordHeader("a", bytes("1")), new RecordHeader("", (byte[]) null), new RecordHeader("ä", new byte[0])});
        builder.append(TIME + 1, bytes("same"), bytes("same ".repeat(30)));
        return builder.build();
    }

    /** More than one block in every format: 200 KB, half of it noise. */
    private static MemoryRecords large(CompressionType codec) {
        MemoryRecordsBuilder builder = builder(codec, TimestampType.CREATE_TIME, 400_000);
        Random random = new Random(1);
        byte[] noise = new byte[1000];
        random.nextBytes(noise);
        byte[] value = new byte[200_000];
        for (int i = 0; i < value.length; i++)
            value[i] = noise[i % noise.length];
        builder.append(TIME, bytes("large"), value);
        builder.append(TIME + 1, bytes("small"), bytes("x"));
        return builder.build();
    }

    private static MemoryRecordsBuilder builder(CompressionType codec, TimestampType type, int size) {
        return MemoryRecords.builder(ByteBuffer.allocate(size), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(), type,
            1234567890123L, TIME + 123, RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE, false, 42);
    }

    private static void add(StringBuilder lines, String name, MemoryRecords records) {
        byte[] data = Utils.toArray(records.buffer().duplicate());
        lines.append(name).append(' ').append(HexFormat.of().formatHex(data)).append(' ').append(json(records)).append('\n');
    }

    static ArrayNode json(MemoryRecords records) {
        ArrayNode all = MAPPER.createArrayNode();
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            ObjectNode node = all.addObject();
            node.put("baseOffset", batch.baseOffset()).put("lastOffset", batch.lastOffset());
            node.put("leaderEpoch", batch.partitionLeaderEpoch()).put("size", batch.sizeInBytes());
            node.put("codec", batch.compressionType().name);
            node.put("logAppendTime", batch.timestampType() == TimestampType.LOG_APPEND_TIME);
            node.put("maxTimestamp", batch.maxTimestamp()).put("offsetOfMaxTimestamp", batch.offsetOfMaxTimestamp(Integer.MAX_VALUE).get());
            node.put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch());
            node.put("baseSequence", batch.baseSequence()).put("lastSequence", batch.lastSequence());
            node.put("transactional", batch.isTransactional()).put("control", batch.isControlBatch());
            ArrayNode list = node.putArray("records");
            for (Record record : batch) {
                ObjectNode entry = list.addObject();
                entry.put("offset", record.offset()).put("timestamp", record.timestamp());
                entry.put("key", shown(record.hasKey() ? Utils.toArray(record.key()) : null));
                entry.put("value", shown(record.hasValue() ? Utils.toArray(record.value()) : null));
                ArrayNode headers = entry.putArray("headers");
                for (Header header : record.headers())
                    headers.addArray().add(shown(bytes(header.key()))).add(shown(header.value()));
            }
        }
        return all;
    }

    private static String shown(byte[] data) {
        if (data == null) return null;
        if (data.length > 100) return data.length + ":" + String.format("%08x", Crc32C.compute(data, 0, data.length));
        return HexFormat.of().formatHex(data);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
