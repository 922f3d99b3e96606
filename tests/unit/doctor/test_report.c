/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "doctor/check.h"

#include "../oracle.h"
#include "../suite.h"

static void fill(struct rts_report *report)
{
    *report = (struct rts_report){.pid = 7, .method = "perf", .user = 1000};
    strcpy(report->kernel, "6.1");
    strcpy(report->subject, "sampling of process 7 (\033[31mweb)");
    strcpy(report->verdict, "It works.");
    struct rts_check *check = rts_report_add(report, "perf.child", RTS_CHECK_WORKS, NULL);
    rts_check_found(check, "sampled");
    check = rts_report_add(report, "perf.cpus", RTS_CHECK_REFUSED, "paranoid");
    rts_check_found(check, "Permission \"denied\"");
    rts_check_because(
        check, "%s",
        "a cause that is longer than a line has room for, so that it has to be broken "
        "somewhere, at a blank, and goes on below");
    rts_check_lost(check, "-a");
    rts_check_fix(check, "setcap cap_perfmon+ep /usr/bin/rtsample");
    rts_check_fix(check, "sysctl -w kernel.perf_event_paranoid=0");
}

static void json(void **state)
{
    (void)state;
    ORACLE_NEEDS("jq");
    struct rts_report report;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    fill(&report);
    rts_report_write_json(&report, &buffer);
    char *file = oracle_file(buffer.data, buffer.size);
    static const char *const cases[][2] = {
        {".version, .works, .status, .method, .pid, .user, .place", "1 true 0 perf 7 1000 host"},
        {".checks | keys_unsorted[]", "perf.child perf.cpus"},
        {".checks[\"perf.child\"] | .state, .cause, .because, .lost, (.fix | length)",
         "works null null null 0"},
        {".checks[\"perf.cpus\"] | .state, .cause, .found, .fix[1]",
         "refused paranoid Permission \"denied\" sysctl -w kernel.perf_event_paranoid=0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *answer = oracle_ask("jq -r '%s' %s | paste -sd' '", cases[i][0], file);
        assert_string_equal(answer, cases[i][1]);
        free(answer);
    }
    report.pid = 0;
    report.method = NULL;
    report.status = 4;
    rts_buffer_clear(&buffer);
    rts_report_write_json(&report, &buffer);
    assert_non_null(strstr(buffer.data, "\"works\":false,\"status\":4,\"method\":null"));
    assert_non_null(strstr(buffer.data, "\"pid\":null"));
    unlink(file);
    free(file);
    rts_buffer_finish(&buffer);
}

static void text(void **state)
{
    (void)state;
    struct rts_report report;
    struct rts_buffer buffer = RTS_BUFFER_INIT;
    fill(&report);
    rts_report_write_text(&report, &buffer);
    assert_non_null(strstr(buffer.data, "sampling of process 7 (\\x1b[31mweb)"));
    assert_null(strchr(buffer.data, '\033'));
    assert_non_null(strstr(buffer.data, "\nworks    perf.child"));
    assert_non_null(strstr(buffer.data, "\nrefused  perf.cpus"));
    assert_non_null(strstr(buffer.data, "  fix      setcap cap_perfmon+ep /usr/bin/rtsample\n"));
    assert_non_null(strstr(buffer.data, "  or     sysctl -w kernel.perf_event_paranoid=0\n"));
    for (char *line = strtok(buffer.data, "\n"); line; line = strtok(NULL, "\n"))
        assert_in_range(strlen(line), 0, 96);
    rts_buffer_finish(&buffer);
}

static void too_much(void **state)
{
    (void)state;
    struct rts_report report = {.count = 0};
    struct rts_check *check = NULL;
    for (int i = 0; i < RTS_CHECKS_MAX + 2; i++)
        check = rts_report_add(&report, "key", RTS_CHECK_INFO, NULL);
    assert_int_equal(report.count, RTS_CHECKS_MAX);
    for (int i = 0; i < RTS_FIXES_MAX + 2; i++)
        rts_check_fix(check, "%0400d", i);
    assert_int_equal(check->fix_count, RTS_FIXES_MAX);
    assert_int_equal(strlen(check->fixes[0]), sizeof check->fixes[0] - 1);
    assert_null(rts_report_find(&report, "other"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(text),
        cmocka_unit_test(too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
