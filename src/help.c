/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include <curl/curlver.h>
#include <elfutils/version.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "commands.h"
#include "unwind/method.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#else
#define PACKAGE_VERSION "unknown"
#endif

static const char help_text[] =
    "usage: rtsample [OPTIONS] -p PID[,PID...]\n"
    "       rtsample [OPTIONS] -a | --cgroup PATH | --container ID\n"
    "       rtsample [OPTIONS] -- COMMAND [ARG...]\n"
    "       rtsample replay [OPTIONS] TRACE|BUNDLE|-\n"
    "       rtsample send [OPTIONS] FILE|DIR|-...\n"
    "       rtsample doctor [-p PID] [--json] [--endpoint URL]\n"
    "       rtsample doctor --self|--self-test [--json]\n"
    "\n"
    "Shows which functions of running processes really run, as one line of JSON per\n"
    "process, symbol and flush interval, and sends these facts to a Signals server.\n"
    "\n"
    "What to sample:\n"
    "  -p, --pid LIST          processes, with their threads and descendants; commas or\n"
    "                          blanks between the ids\n"
    "  -a, --all               all processes\n"
    "      --cgroup PATH       a control group, with those below it\n"
    "      --container ID      a container; the beginning of its id is enough\n"
    "  -- COMMAND [ARG...]     start a command and sample it from its first instruction\n"
    "\n"
    "How:\n"
    "  -F, --freq HZ           samples per second of each CPU (99)\n"
    "      --call-graph MODE   dwarf[,BYTES], fp or none (dwarf)\n"
    "      --unwinder WHO      rules, libunwind, or both, which compares them (rules)\n"
    "      --method METHOD     auto, perf or ptrace (auto)\n"
    "      --max-stop US       with ptrace: leave a thread alone for a while if its stop\n"
    "                          took longer (1000 microseconds)\n"
    "  -d, --duration SECONDS  stop after this time; otherwise when the target ends, or at\n"
    "                          SIGINT or SIGTERM\n"
    "\n"
    "What comes out:\n"
    "  -o, --output FILE       write the facts there; \"-\" is stdout, the default unless\n"
    "                          there is an endpoint\n"
    "      --emit LIST         also give \"process\" ids and names, and the \"socket\" that a\n"
    "                          process listens on\n"
    "      --graph FILE        take ids from this static graph where it has them\n"
    "      --stats FILE        write the final account there, as one JSON object\n"
    "      --metrics FILE      keep counters there, as Prometheus text\n"
    "      --record FILE       also keep the samples there, as perf.data with callchains\n"
    "      --record-full       with registers and copies of stacks, which hold memory of\n"
    "                          the target\n"
    "      --record-limit BYTES\n"
    "                          record no more than this\n"
    "      --cas DIR           also pack the samples, redacted, into bundles below DIR, which\n"
    "                          the facts then name\n"
    "      --segment SECONDS[,BYTES]\n"
    "                          how much goes into one bundle (60,1M)\n"
    "      --union FILE        also write the functions and calls that were seen there, as\n"
    "                          a union bundle (ZIP)\n"
    "\n"
    "Where facts are sent, while sampling and by \"send\":\n"
    "      --endpoint URL      the server, such as\n"
    "                          https://signals.example/signals/runtime-facts/ndjson\n"
    "      --callgraph-id ID   the static graph that the facts belong to; required\n"
    "      --scan-id ID        the subject is one of these, or a component with its version\n"
    "      --image-digest DIGEST\n"
    "      --component NAME\n"
    "      --component-version VERSION\n"
    "      --source TEXT       what observed the facts\n"
    "      --analysis-id ID    the analysis that graph and facts belong to\n"
    "      --cacert FILE       certificates of the authorities to trust\n"
    "      --cert FILE         our own certificate, and\n"
    "      --key FILE          its private key\n"
    "      --token-file FILE   holds a bearer token; read again when it changes\n"
    "      --header 'K: V'     a header for every request; may be given several times\n"
    "      --spool DIR         where facts wait until the server accepts them\n"
    "\n"
    "Only for \"send\", which sends files of facts, and what waits in spools:\n"
    "      --strict            send nothing when any line is wrong\n"
    "      --union FILE        send this union bundle, and nothing else, to the endpoint\n"
    "                          (.../signals/reachability/union); needs --analysis-id\n"
    "      --stats FILE        as above\n"
    "\n"
    "Only for \"replay\", which makes facts from a trace (perf.data) or a bundle:\n"
    "      --symfs DIR         look for the recorded files below DIR as well\n"
    "      --search WHERE      system: also among all programs and libraries of this machine,\n"
    "                          for bundles; paths: not there; symfs: below DIR only (default:\n"
    "                          system)\n"
    "      --cas DIR           where the bundles of cas:// are\n"
    "\n"
    "Only for \"doctor\", which tells what this machine permits, and how to get the rest:\n"
    "  -p, --pid PID           also what is permitted with this process\n"
    "      --json              as one JSON object\n"
    "      --endpoint URL      also whether this server can be reached, by --cacert, --cert,\n"
    "                          --key as above; nothing is sent to it\n"
    "      --self              instead: what rtsample itself gives up once it samples\n"
    "      --self-test         instead: whether stacks that are known come out right\n"
    "\n"
    "Settings:\n"
    "  -c, --config FILE       settings as JSON; the environment overrides them, and the\n"
    "                          command line overrides both\n"
    "      --print-config      print the effective settings and their SHA-256, and stop\n"
    "\n"
    "  -h, --help              print this\n"
    "  -V, --version           print the version and what it was built with\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or settings, 3 target not found,\n"
    "4 not permitted, 5 facts remain undelivered.\n"
    "See rtsample(1) and rtsample.json(5).\n";

static void print_version(void)
{
    printf("rtsample %s (elfutils %d.%d, libunwind %s, jansson %s, libcurl %s, %s, "
           "demangling: %s, zstd: %s, "
           "archives: %s, rpm: %s, filters: %s)\n",
           PACKAGE_VERSION, _ELFUTILS_VERSION / 1000, _ELFUTILS_VERSION % 1000,
           rts_libunwind_version, JANSSON_VERSION, LIBCURL_VERSION,
           OpenSSL_version(OPENSSL_VERSION),
#if defined HAVE_LIBIBERTY && defined HAVE_RUST_NAMES
           "yes",
#elif defined HAVE_LIBIBERTY
           "C++", /* libiberty before 2.38 */
#else
           "no",
#endif
#ifdef HAVE_LIBZSTD
           "yes",
#else
           "no",
#endif
#ifdef HAVE_LIBARCHIVE
           "yes",
#else
           "no",
#endif
#ifdef HAVE_LIBRPM
           "yes",
#else
           "no",
#endif
#ifdef HAVE_LIBSECCOMP
           "yes"
#else
           "no"
#endif
    );
}

int rts_flush_stdout(struct rts_error *error)
{
    /* What was longer than the buffer failed before. */
    return fflush(stdout) == 0 && !ferror(stdout)
               ? 0
               : rts_fail_errno(error, errno, "cannot write to stdout");
}

int rts_print_about(bool help, struct rts_error *error)
{
    if (help)
        fputs(help_text, stdout);
    else
        print_version();
    return rts_flush_stdout(error);
}
