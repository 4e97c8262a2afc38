/* A deadline in the request's arena. */
#include "broker/api/login_failure.h"

#include "base/container_of.h"
#include "broker/login/logins.h"

struct login_failure {
    struct deadline deadline;
    const struct broker_services *services;
    struct request *request;
    void (*tell)(struct request *request);
};

static void waited(struct request *request) {
    logins_waited(request_login(request)->logins);
    request->canceled = NULL;
    request_close_behind(request);
}

static void on_passed(struct deadline *deadline) {
    struct login_failure *failure = CONTAINER_OF(deadline, struct login_failure, deadline);
    waited(failure->request);
    failure->tell(failure->request);
}

static void client_gone(struct request *request) {
    struct login_failure *failure = request->state;
    deadline_clear(failure->services->deadlines, &failure->deadline);
    waited(request);
    request_respond_nothing(request);
}

void login_failure_begin(const struct broker_services *services, struct request *request,
                         void (*tell)(struct request *request)) {
    struct logins *logins = request_login(request)->logins;
    struct login_failure *failure = kp_arena_alloc(&request->arena, sizeof *failure);
    uint32_t delay_ms = failure == NULL || request->dead ? UINT32_MAX
                                                         : logins_failed(logins, request->ctx.peer);
    if (delay_ms == UINT32_MAX) {
        request_close_connection(request);
        return;
    }
    *failure = (struct login_failure){
        .deadline = {.passed = on_passed}, .services = services, .request = request, .tell = tell};
    request->state = failure;
    request->canceled = client_gone;
    request_hold_connection(request);
    request_login_failed(request);
    if (delay_ms == 0)
        on_passed(&failure->deadline);
    else
        deadline_set(services->deadlines, &failure->deadline, delay_ms);
}
