/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge_selftest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Forms by what came of them: of which there was no sample, and which somebody got wrong. */
struct forms {
    char unseen[160], wrong[160];
    unsigned unseen_count, wrong_count;
    uint64_t samples;
};

static void add_word(char *text, size_t room, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "", word);
}

static struct forms sort_forms(const struct rts_selftest_facts *facts)
{
    struct forms forms = {0};
    for (unsigned i = 0; i < RTS_FORM_COUNT; i++) {
        const struct rts_selftest_form *form = &facts->forms[i];
        forms.samples += form->samples;
        if (form->samples == 0) {
            add_word(forms.unseen, sizeof forms.unseen, rts_form_name(i));
            forms.unseen_count++;
        } else if (form->failed[RTS_SELFTEST_RULES] + form->failed[RTS_SELFTEST_LIBUNWIND] > 0) {
            add_word(forms.wrong, sizeof forms.wrong, rts_form_name(i));
            forms.wrong_count++;
        }
    }
    return forms;
}

/* Returns how many forms are wrong. */
static unsigned judge(const struct rts_selftest_findings *found, const char *key,
                      struct rts_report *report)
{
    if (!found->was_run) {
        struct rts_check *check = rts_report_add(report, key, RTS_CHECK_UNKNOWN, "untried");
        rts_check_found(check, "%s", found->error.text);
        return 0;
    }
    const struct forms forms = sort_forms(&found->facts);
    const bool all_seen = forms.unseen_count == 0;
    struct rts_check *check = rts_report_add(report, key,
                                             forms.wrong_count > 0 ? RTS_CHECK_REFUSED
                                             : all_seen            ? RTS_CHECK_WORKS
                                                                   : RTS_CHECK_LIMITED,
                                             forms.wrong_count > 0 ? "wrong_stacks"
                                             : all_seen            ? NULL
                                                                   : "no_samples");
    rts_check_found(check,
                    "%" PRIu64 " samples of %u forms of stacks, by the rules and by libunwind",
                    forms.samples, RTS_FORM_COUNT - forms.unseen_count);
    if (forms.wrong_count > 0) {
        rts_check_because(check, "wrong: %s", forms.wrong);
        rts_check_lost(check, "stacks of such a form may be wrong; please report it");
    } else if (!all_seen) {
        rts_check_because(check, "no sample of: %s", forms.unseen);
        rts_check_lost(check, "what would be known of them");
    }
    return forms.wrong_count;
}

void rts_judge_selftest(const struct rts_selftest_findings *perf,
                        const struct rts_selftest_findings *ptrace, struct rts_report *report)
{
    struct utsname host;
    *report = (struct rts_report){.user = (unsigned)getuid()};
    snprintf(report->subject, sizeof report->subject, "the unwinders, on stacks that are known");
    if (uname(&host) == 0)
        snprintf(report->kernel, sizeof report->kernel, "%.64s", host.release);
    unsigned wrong =
        judge(perf, "selftest.perf", report) + judge(ptrace, "selftest.ptrace", report);
    bool tried = perf->was_run || ptrace->was_run;
    report->status = !tried ? RTS_NOT_PERMITTED : wrong > 0 ? RTS_FAILED : 0;
    snprintf(report->verdict, sizeof report->verdict, "%s",
             !tried      ? "Nothing can be sampled here, so nothing was tested."
             : wrong > 0 ? "Some stacks came out wrong."
                         : "All stacks came out as they are known to be.");
}
