/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <elfutils/version.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "commands.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#else
#define PACKAGE_VERSION "unknown"
#endif

void rts_print_help(void)
{
    fputs("usage: rtsample [OPTIONS] -p PID[,PID...]\n"
          "       rtsample [OPTIONS] -a\n"
          "       rtsample [OPTIONS] -- COMMAND [ARG...]\n"
          "\n"
          "Shows which functions of running processes really run, as one JSON line per\n"
          "process, symbol and flush interval.\n"
          "\n"
          "What to sample:\n"
          "  -p, --pid LIST          processes, with their threads and descendants\n"
          "  -a, --all               all processes\n"
          "  -- COMMAND [ARG...]     start a command and sample it from its first instruction\n"
          "\n"
          "How:\n"
          "  -F, --freq HZ           samples per second of each CPU (99)\n"
          "      --call-graph MODE   dwarf[,BYTES], fp or none (dwarf)\n"
          "      --method METHOD     auto or perf (auto)\n"
          "  -d, --duration SECONDS  stop after this time; else when the target ends, or at\n"
          "                          SIGINT or SIGTERM\n"
          "\n"
          "What comes out:\n"
          "  -o, --output FILE       write the facts there; \"-\" is stdout (-)\n"
          "      --emit process      also tell process ids and names\n"
          "      --stats FILE        write the final account there, as one JSON object\n"
          "      --print-config      print the effective settings and their SHA-256, and stop\n"
          "\n"
          "  -h, --help              print this\n"
          "  -V, --version           print the version and the libraries in use\n"
          "\n"
          "Exit status: 0 done, 1 failed, 2 usage, 3 target not found, 4 not permitted.\n"
          "See rtsample(1).\n",
          stdout);
}

void rts_print_version(void)
{
    printf("rtsample %s (elfutils %d.%d, jansson %s, %s, demangling: %s)\n", PACKAGE_VERSION,
           _ELFUTILS_VERSION / 1000, _ELFUTILS_VERSION % 1000, JANSSON_VERSION,
           OpenSSL_version(OPENSSL_VERSION),
#ifdef HAVE_LIBIBERTY
           "yes"
#else
           "no"
#endif
    );
}
