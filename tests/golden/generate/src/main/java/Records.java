/*
 * Golden records of __consumer_offsets and __transaction_state: keys and values of each type and version as Kafka's
 * coordinators write them, filled as the frames are (Generate). One line each:
 *
 *   number name key|value version variant bytes-in-hex json
 *
 * Before the fields stands what Kafka's serde puts there: the type's number before a key, the version before a value.
 */
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.Supplier;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.coordinator.group.generated.CoordinatorRecordType;
import org.apache.kafka.coordinator.transaction.generated.TransactionLogKey;
import org.apache.kafka.coordinator.transaction.generated.TransactionLogValue;

final class Records {
    /** Those that are kept: classic, consumer and share groups (of these that they are there, and where they began), not streams groups. */
    private static final int[] NUMBERS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16};

    private Records() {}

    static String lines() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int number : NUMBERS) {
            CoordinatorRecordType type = CoordinatorRecordType.fromId((short) number);
            for (Generate.Variant variant : Generate.Variant.values())
                add(lines, type.id(), type::newRecordKey, true, (short) 0, variant);
            for (short version = type.lowestSupportedVersion(); version <= type.highestSupportedVersion(); version++)
                for (Generate.Variant variant : Generate.Variant.values())
                    add(lines, type.id(), type::newRecordValue, false, version, variant);
        }
        return lines.toString();
    }

    /** The records of __transaction_state, in the same form. */
    static String transactionLines() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (Generate.Variant variant : Generate.Variant.values())
            add(lines, (short) 0, TransactionLogKey::new, true, (short) 0, variant);
        for (short version = TransactionLogValue.LOWEST_SUPPORTED_VERSION; version <= TransactionLogValue.HIGHEST_SUPPORTED_VERSION; version++)
            for (Generate.Variant variant : Generate.Variant.values())
                add(lines, (short) 0, TransactionLogValue::new, false, version, variant);
        return lines.toString();
    }

    private static void add(StringBuilder lines, short number, Supplier<ApiMessage> type, boolean key, short version,
        Generate.Variant variant) throws Exception {
        ApiMessage message = type.get();
        Schema schema = ((Schema[]) message.getClass().getField("SCHEMAS").get(null))[version];
        if (variant == Generate.Variant.TAGS && !Generate.isFlexible(schema)) return;
        Struct struct = new Generate(variant).struct(schema);
        ByteBuffer fields = ByteBuffer.allocate(struct.sizeOf());
        struct.writeTo(fields);
        fields.flip();
        message.read(new ByteBufferAccessor(fields.duplicate()), version);
        // Of KIP-939: nobody writes it yet, and we pass over it.
        if (message instanceof TransactionLogValue value) value.setNextProducerEpoch((short) -1);
        ByteBuffer again = Generate.write(message, version);
        ByteBuffer bytes = ByteBuffer.allocate(2 + again.remaining());
        bytes.putShort(key ? number : version).put(again);
        lines.append(String.join(" ", Short.toString(number), message.getClass().getSimpleName(), key ? "key" : "value",
            Short.toString(version), variant.name().toLowerCase(), HexFormat.of().formatHex(bytes.array()),
            Generate.json(message, version).toString())).append('\n');
    }
}
