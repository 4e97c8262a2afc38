/*
 * Writes the golden files of drave with Apache Kafka's own classes, so that our codec is not its own judge:
 *
 *   mvn -q -f tests/golden/generate compile exec:java
 *
 * Each frame is filled by walking Kafka's schema of that version, written, read back by Kafka's message class,
 * written again (the bytes must be equal) and shown as JSON by Kafka's JSON converter. One file an API, one line a
 * frame:
 *
 *   Api version request|response variant correlation-id frame-in-hex json
 *
 * Variants: full (every field set, arrays of two), null (what can be null is, tagged fields are left out), edge
 * (extreme numbers, empty and long strings, empty arrays), tags (as full, with an unknown tagged field in every
 * section).
 */
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;

public final class Generate {
    enum Variant { FULL, NULL, EDGE, TAGS }

    /** The APIs that are served, and the versions that are decoded; the C test compares this with its own table. */
    private record Api(ApiKeys key, int from, int to) {}

    private static final Api[] APIS = {
        new Api(ApiKeys.PRODUCE, 3, 13),          new Api(ApiKeys.FETCH, 4, 18),
        new Api(ApiKeys.LIST_OFFSETS, 1, 11),     new Api(ApiKeys.METADATA, 0, 13),
        new Api(ApiKeys.FIND_COORDINATOR, 0, 6),  new Api(ApiKeys.API_VERSIONS, 0, 5),
        new Api(ApiKeys.CREATE_TOPICS, 2, 7),     new Api(ApiKeys.DELETE_TOPICS, 1, 6),
        new Api(ApiKeys.DELETE_RECORDS, 0, 2),
        new Api(ApiKeys.INIT_PRODUCER_ID, 0, 5),  new Api(ApiKeys.DESCRIBE_CONFIGS, 1, 4),
        new Api(ApiKeys.CREATE_PARTITIONS, 0, 3), new Api(ApiKeys.DESCRIBE_CLUSTER, 0, 2),
        new Api(ApiKeys.ALTER_CONFIGS, 0, 2),     new Api(ApiKeys.ELECT_LEADERS, 0, 2),
        new Api(ApiKeys.INCREMENTAL_ALTER_CONFIGS, 0, 1),
        new Api(ApiKeys.OFFSET_FOR_LEADER_EPOCH, 2, 4),
        new Api(ApiKeys.OFFSET_COMMIT, 2, 10),    new Api(ApiKeys.OFFSET_FETCH, 1, 10),
        new Api(ApiKeys.JOIN_GROUP, 0, 9),        new Api(ApiKeys.HEARTBEAT, 0, 4),
        new Api(ApiKeys.LEAVE_GROUP, 0, 5),       new Api(ApiKeys.SYNC_GROUP, 0, 5),
        new Api(ApiKeys.DESCRIBE_GROUPS, 0, 6),   new Api(ApiKeys.LIST_GROUPS, 0, 5),
        new Api(ApiKeys.DELETE_GROUPS, 0, 3),     new Api(ApiKeys.OFFSET_DELETE, 0, 0),
        new Api(ApiKeys.CONSUMER_GROUP_HEARTBEAT, 0, 1),
        new Api(ApiKeys.CONSUMER_GROUP_DESCRIBE, 0, 1),
        new Api(ApiKeys.SHARE_GROUP_HEARTBEAT, 1, 1), new Api(ApiKeys.SHARE_FETCH, 1, 2),
        new Api(ApiKeys.SHARE_GROUP_DESCRIBE, 1, 1),
        new Api(ApiKeys.SHARE_ACKNOWLEDGE, 1, 2),
        new Api(ApiKeys.DESCRIBE_SHARE_GROUP_OFFSETS, 0, 1),
        new Api(ApiKeys.ALTER_SHARE_GROUP_OFFSETS, 0, 0), new Api(ApiKeys.DELETE_SHARE_GROUP_OFFSETS, 0, 0),
        new Api(ApiKeys.DESCRIBE_TOPIC_PARTITIONS, 0, 0),
        new Api(ApiKeys.DESCRIBE_ACLS, 1, 3),     new Api(ApiKeys.DESCRIBE_LOG_DIRS, 1, 5),
        new Api(ApiKeys.CREATE_ACLS, 1, 3),       new Api(ApiKeys.DELETE_ACLS, 1, 3),
        new Api(ApiKeys.WRITE_TXN_MARKERS, 1, 2), new Api(ApiKeys.TXN_OFFSET_COMMIT, 0, 5), new Api(ApiKeys.ADD_PARTITIONS_TO_TXN, 0, 5),
        new Api(ApiKeys.ADD_OFFSETS_TO_TXN, 0, 4), new Api(ApiKeys.END_TXN, 0, 5),
        new Api(ApiKeys.DESCRIBE_QUORUM, 0, 2),   new Api(ApiKeys.DESCRIBE_PRODUCERS, 0, 0),
        new Api(ApiKeys.UNREGISTER_BROKER, 0, 0),
        new Api(ApiKeys.LIST_TRANSACTIONS, 0, 2), new Api(ApiKeys.DESCRIBE_TRANSACTIONS, 0, 0),
        new Api(ApiKeys.LIST_PARTITION_REASSIGNMENTS, 0, 0),
        new Api(ApiKeys.ALTER_PARTITION_REASSIGNMENTS, 0, 1),
        new Api(ApiKeys.DESCRIBE_CLIENT_QUOTAS, 0, 1), new Api(ApiKeys.ALTER_CLIENT_QUOTAS, 0, 1),
        new Api(ApiKeys.DESCRIBE_USER_SCRAM_CREDENTIALS, 0, 0), new Api(ApiKeys.ALTER_USER_SCRAM_CREDENTIALS, 0, 0),
        new Api(ApiKeys.SASL_HANDSHAKE, 0, 1), new Api(ApiKeys.SASL_AUTHENTICATE, 0, 2),
        new Api(ApiKeys.LIST_CONFIG_RESOURCES, 0, 1), new Api(ApiKeys.UPDATE_FEATURES, 0, 2),
    };

    private final Variant variant;
    private int counter;

    Generate(Variant variant) {
        this.variant = variant;
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        for (Api api : APIS) {
            StringBuilder lines = new StringBuilder();
            for (int version = api.from(); version <= api.to(); version++)
                for (boolean request : new boolean[] {true, false})
                    for (Variant variant : Variant.values())
                        addFrame(lines, api.key(), (short) version, request, variant);
            Files.writeString(folder.resolve(api.key().name.replaceAll("(?<=.)([A-Z])", "_$1").toLowerCase() + ".txt"), lines);
        }
        Files.writeString(folder.resolve("errors.txt"), errors());
        Files.writeString(folder.resolve("batches.txt"), Batches.lines());
        Files.writeString(folder.resolve("acl_decisions.txt"), Acls.lines());
        Files.writeString(folder.resolve("quota_rates.txt"), Rates.lines());
        Files.writeString(folder.resolve("quota_tokens.txt"), Tokens.lines());
        Files.writeString(folder.resolve("coordinator_records.txt"), Records.lines());
        Files.writeString(folder.resolve("transaction_records.txt"), Records.transactionLines());
    }

    private static void addFrame(StringBuilder lines, ApiKeys api, short version, boolean request, Variant variant)
        throws Exception {
        Schema[] schemas = request ? api.messageType.requestSchemas() : api.messageType.responseSchemas();
        Schema schema = schemas[version];
        if (variant == Variant.TAGS && !isFlexible(schema)) return;
        Struct struct = new Generate(variant).struct(schema);
        ByteBuffer body = ByteBuffer.allocate(struct.sizeOf());
        struct.writeTo(body);
        body.flip();

        Message message = message(api, request);
        message.read(new ByteBufferAccessor(body.duplicate()), version);
        if (!write(message, version).equals(body)) throw new IllegalStateException(api + " v" + version + " does not round-trip");

        int correlationId = 1000 * api.id + version;
        short headerVersion = request ? api.requestHeaderVersion(version) : api.responseHeaderVersion(version);
        Message header = request ? new RequestHeaderData().setRequestApiKey(api.id).setRequestApiVersion(version)
                                       .setCorrelationId(correlationId).setClientId(variant == Variant.NULL ? null : "gölden")
                                 : new ResponseHeaderData().setCorrelationId(correlationId);
        ByteBuffer head = write(header, headerVersion);
        ByteBuffer frame = ByteBuffer.allocate(4 + head.remaining() + body.remaining());
        frame.putInt(head.remaining() + body.remaining()).put(head).put(body);
        lines.append(String.join(" ", api.name, Short.toString(version), request ? "request" : "response",
            variant.name().toLowerCase(), Integer.toString(correlationId), HexFormat.of().formatHex(frame.array()),
            json(message, version).toString())).append('\n');
    }

    static boolean isFlexible(Schema schema) {
        for (BoundField field : schema.fields())
            if (field.def.type instanceof TaggedFields) return true;
        return false;
    }

    private static Message message(ApiKeys api, boolean request) {
        return request ? api.messageType.newRequest() : api.messageType.newResponse();
    }

    static ByteBuffer write(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        buffer.flip();
        return buffer;
    }

    static JsonNode json(Message message, short version) throws Exception {
        Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
        return (JsonNode) converter.getMethod("write", message.getClass(), short.class).invoke(null, message, version);
    }

    Struct struct(Schema schema) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields())
            struct.set(field, value(field.def.type));
        return struct;
    }

    private Object value(Type type) {
        if (type instanceof TaggedFields tagged) return taggedFields(tagged);
        if (variant == Variant.NULL && type.isNullable()) return null;
        counter++;
        if (type instanceof Schema schema) return struct(schema);
        if (type instanceof ArrayOf || type instanceof CompactArrayOf) {
            Type element = type.arrayElementType().get();
            return variant == Variant.EDGE && counter > 12 ? new Object[] {} : new Object[] {value(element), value(element)};
        }
        boolean edge = variant == Variant.EDGE;
        boolean odd = counter % 2 != 0;
        return switch (type.toString()) {
            case "BOOLEAN" -> !edge;
            case "INT8" -> edge ? (odd ? Byte.MAX_VALUE : Byte.MIN_VALUE) : (byte) counter;
            case "INT16" -> edge ? (odd ? Short.MAX_VALUE : Short.MIN_VALUE) : (short) (0x100 + counter);
            case "INT32" -> edge ? (odd ? Integer.MAX_VALUE : Integer.MIN_VALUE) : 0x1020300 + counter;
            case "INT64" -> edge ? (odd ? Long.MAX_VALUE : Long.MIN_VALUE) : 0x102030405060700L + counter;
            case "UINT16" -> edge ? (odd ? 0xffff : 0) : 0xf100 + counter;
            case "FLOAT64" -> edge ? (odd ? 0.25 : -1048576.5) : counter + 0.5;
            case "UUID" -> edge ? Uuid.ZERO_UUID : new Uuid(0x1122334455667788L + counter, 0x99aabbccddeeff00L - counter);
            case "STRING", "NULLABLE_STRING", "COMPACT_STRING", "COMPACT_NULLABLE_STRING" ->
                edge ? (odd ? "" : "ÿ\"\\".repeat(50)) : "strïng-" + counter;
            case "BYTES", "NULLABLE_BYTES", "COMPACT_BYTES", "COMPACT_NULLABLE_BYTES" ->
                ByteBuffer.wrap(edge ? new byte[] {0, (byte) 0xff, (byte) counter} : ("bÿtes-" + counter).getBytes(StandardCharsets.UTF_8));
            case "RECORDS", "NULLABLE_RECORDS", "COMPACT_RECORDS", "COMPACT_NULLABLE_RECORDS" -> Batches.records(counter);
            default -> throw new IllegalStateException("no value for " + type);
        };
    }

    private TreeMap<Integer, Object> taggedFields(TaggedFields type) {
        TreeMap<Integer, Object> values = new TreeMap<>();
        if (variant == Variant.FULL || variant == Variant.TAGS)
            for (Map.Entry<Integer, Field> field : knownTags(type).entrySet())
                values.put(field.getKey(), value(field.getValue().type));
        if (variant == Variant.TAGS) values.put(1000, new RawTaggedField(1000, "unknown".getBytes(StandardCharsets.UTF_8)));
        return values;
    }

    /** Kafka has no getter for them. */
    @SuppressWarnings("unchecked")
    private static Map<Integer, Field> knownTags(TaggedFields type) {
        try {
            java.lang.reflect.Field fields = TaggedFields.class.getDeclaredField("fields");
            fields.setAccessible(true);
            return new TreeMap<>((Map<Integer, Field>) fields.get(type));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Every error code of Kafka: code, name, whether clients repeat the request. */
    private static String errors() {
        StringBuilder lines = new StringBuilder();
        for (Errors error : Errors.values())
            lines.append(error.code()).append(' ').append(error.name()).append(' ')
                .append(error.exception() instanceof RetriableException).append('\n');
        return lines.toString();
    }
}
