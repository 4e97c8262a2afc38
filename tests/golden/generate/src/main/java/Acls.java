// What Apache Kafka's StandardAuthorizer decides of random rules and questions, a line each:
//   rules EVERYONE                                            a new set of them begins
//   rule RESOURCE PATTERN NAME PRINCIPAL HOST OPERATION PERMISSION
//   ask PRINCIPAL HOST OPERATION RESOURCE NAME 0|1            NAME "-": any resource of that kind

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

final class Acls {
    private static final String[] NAMES = {"*", "a", "ab", "abc", "abcd", "b", "ba", "**", "*a", "hardcode", "hard"};
    private static final String[] PRINCIPALS = {"User:*", "User:alice", "User:bob", "User:ali", "Group:alice"};
    private static final String[] HOSTS = {"*", "10.0.0.1", "10.0.0.2"};
    private static final int SETS = 150, RULES = 12, QUESTIONS = 24;
    private final Random random = new Random(77);

    private String pick(String[] of) {
        return of[random.nextInt(of.length)];
    }

    private record Asker(KafkaPrincipal principal, InetAddress clientAddress) implements AuthorizableRequestContext {
        public String listenerName() { return "X"; }
        public SecurityProtocol securityProtocol() { return SecurityProtocol.SASL_SSL; }
        public int requestType() { return 0; }
        public int requestVersion() { return 0; }
        public String clientId() { return ""; }
        public int correlationId() { return 0; }
    }

    static String lines() throws Exception {
        return new Acls().all();
    }

    private String all() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < SETS; i++) addSet(lines, i % 2 == 1);
        return lines.toString();
    }

    private void addSet(StringBuilder lines, boolean everyone) throws Exception {
        try (StandardAuthorizer authorizer = new StandardAuthorizer()) {
            authorizer.configure(Map.of("super.users", "User:root", "allow.everyone.if.no.acl.found", Boolean.toString(everyone)));
            authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
            authorizer.completeInitialLoad();
            lines.append("rules ").append(everyone ? 1 : 0).append('\n');
            int rules = random.nextInt(RULES);
            for (int i = 0; i < rules; i++) addRule(lines, authorizer);
            for (int i = 0; i < QUESTIONS; i++) addQuestion(lines, authorizer);
        }
    }

    private void addRule(StringBuilder lines, StandardAuthorizer authorizer) {
        ResourceType type = ResourceType.fromCode((byte) (2 + random.nextInt(4)));
        boolean cluster = type == ResourceType.CLUSTER;
        PatternType pattern = cluster || random.nextBoolean() ? PatternType.LITERAL : PatternType.PREFIXED;
        String name = cluster ? "kafka-cluster" : pick(NAMES), principal = pick(PRINCIPALS), host = pick(HOSTS);
        AclOperation operation = AclOperation.fromCode((byte) (2 + random.nextInt(11)));
        AclPermissionType permission = random.nextInt(4) == 0 ? AclPermissionType.DENY : AclPermissionType.ALLOW;
        String line = String.format("rule %d %d %s %s %s %d %d%n", type.code(), pattern.code(), name, principal, host, operation.code(),
            permission.code());
        if (lines.indexOf(line, lines.lastIndexOf("rules ")) >= 0) return;
        authorizer.addAcl(Uuid.randomUuid(), new StandardAcl(type, name, pattern, principal, host, operation, permission));
        lines.append(line);
    }

    private void addQuestion(StringBuilder lines, StandardAuthorizer authorizer) throws Exception {
        String principal = random.nextInt(12) == 0 ? "User:root" : PRINCIPALS[1 + random.nextInt(PRINCIPALS.length - 1)], host = random.nextBoolean() ? "10.0.0.1" : "10.0.0.3";
        String[] parts = principal.split(":");
        Asker asker = new Asker(new KafkaPrincipal(parts[0], parts[1]), InetAddress.getByName(host));
        ResourceType type = ResourceType.fromCode((byte) (2 + random.nextInt(4)));
        AclOperation operation = AclOperation.fromCode((byte) (3 + random.nextInt(10)));
        boolean some = type != ResourceType.CLUSTER && random.nextInt(4) == 0;
        String name = type == ResourceType.CLUSTER ? "kafka-cluster" : pick(NAMES);
        AuthorizationResult result = some
            ? authorizer.authorizeByResourceType(asker, operation, type)
            : authorizer.authorize(asker, List.of(new Action(operation, new ResourcePattern(type, name, PatternType.LITERAL), 1, true, true)))
                  .get(0);
        lines.append(String.format("ask %s %s %d %d %s %d%n", principal, host, operation.code(), type.code(), some ? "-" : name,
            result == AuthorizationResult.ALLOWED ? 1 : 0));
    }
}
