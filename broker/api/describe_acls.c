/*
 * DescribeAcls (key 29): who may do what. Nobody is asked that here, so the answer is that of a
 * Kafka without an authorizer: SECURITY_DISABLED, with its sentence, by which interfaces for people
 * know that they need not show the page.
 */
#include "protocol/messages/describe_acls.h"

#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

void api_describe_acls(void *service, struct request *request) {
    (void)service;
    struct kp_describe_acls_response response;
    kp_set_fallbacks(&kp_describe_acls_response_schema, &response);
    response.error_code = KAFKA_SECURITY_DISABLED;
    response.error_message = kp_string_of("No Authorizer is configured on the broker");
    request_respond(request, &response);
}
