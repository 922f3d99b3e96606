/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <string.h>

static void fix(const struct rts_endpoint_findings *endpoint, struct rts_check *check)
{
    if (strcmp(endpoint->cause, "certificate") == 0) {
        rts_check_fix(check, "--cacert FILE (Ingest:CaCert) with the authority that signed the "
                             "server's certificate");
        rts_check_fix(check, "--endpoint with the host that the certificate is for");
        rts_check_fix(check,
                      "--cert FILE --key FILE (Ingest:Cert, Ingest:Key), if the server wants "
                      "a certificate of ours");
    } else if (strcmp(endpoint->cause, "name") == 0) {
        rts_check_fix(check, "correct the host in --endpoint, or its name server");
    } else {
        rts_check_fix(check, "correct host and port in --endpoint, or let the firewall pass them");
    }
}

void rts_judge_endpoint(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_endpoint_findings *endpoint = &findings->endpoint;
    if (!endpoint->asked)
        return;
    struct rts_check *check =
        rts_report_add(report, "delivery.endpoint",
                       endpoint->reached ? RTS_CHECK_WORKS : RTS_CHECK_REFUSED, endpoint->cause);
    if (endpoint->reached) {
        rts_check_found(check, "%s takes connections; nothing was sent", endpoint->origin);
        return;
    }
    rts_check_found(check, "%s cannot be reached", endpoint->origin);
    rts_check_because(check, "%s", endpoint->text);
    rts_check_lost(check, "facts stay in the spool, if there is one, or are lost");
    fix(endpoint, check);
    if (report->status == 0)
        report->status = RTS_FAILED;
}
