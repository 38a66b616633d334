/* SPDX-License-Identifier: Apache-2.0 */
/* The credential of a call, by the scope of its route. */
#include "planner/service/api_auth.h"

#include "base/text.h"
#include "planner/service/host_seen.h"
#include "planner/service/token.h"

#include <strings.h>

#include "base/banned.h"

static int auth_agent(struct api_call *call, char *out_who, size_t size, struct err *err)
{
    const char *identity = httpd_peer_identity(call->request);
    int r;

    if (!identity[0])
        return err_set_gw(err, GW_API_AUTH, -EACCES,
                          "this needs an agent's client certificate, and none was sent");
    if (!text_equal(httpd_peer_unit(call->request), "agent"))
        return err_set_gw(err, GW_API_FORBIDDEN, -EPERM, "the certificate is not an agent's");
    r = text_copy(out_who, size, identity);
    if (r < 0)
        return err_set_gw(err, GW_API_AUTH, -EACCES, "the identity is too long");
    return host_seen(call->service, identity, httpd_peer_fingerprint(call->request),
                     httpd_peer_address(call->request), err);
}

static int auth_operator(struct api_call *call, char *out_who, size_t size, struct err *err)
{
    const char *header = httpd_header(call->request, "Authorization");
    struct token_parts parts = {0};
    struct token_info info = {0};
    struct err why = {0};
    int r;

    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return err_set_gw(err,
                          httpd_peer_identity(call->request)[0] ? GW_API_FORBIDDEN : GW_API_AUTH,
                          -EACCES, "this needs an operator's token, and none was sent");
    if (token_parse(header + 7, &parts, &why) < 0 || parts.kind != TOKEN_OPERATOR)
        return err_set_gw(err, GW_API_AUTH, -EACCES, "the credential is no operator token");
    r = token_check(call->service, TOKEN_OPERATOR, &parts, &info, err);
    if (r < 0)
        return r;
    if (!text_equal(info.scope, "admin") && !text_equal(httpd_method(call->request), "GET"))
        return err_set_gw(err, GW_API_FORBIDDEN, -EPERM, "the token of %s may only read",
                          info.name);
    return text_print(out_who, size, "operator:%s", info.name);
}

int api_auth(struct api_call *call, const struct api_route *route, char *out_who, size_t size,
             struct err *err)
{
    switch (route->scope) {
    case API_OPEN:
        return text_copy(out_who, size, "anyone");
    case API_AGENT:
        return auth_agent(call, out_who, size, err);
    case API_OPERATOR:
        return auth_operator(call, out_who, size, err);
    }
    return err_set_gw(err, GW_API_AUTH, -EACCES, "the route has no scope");
}
