/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: unit PATH-OF-A-SUITE [ARGUMENT...]
 *
 * Runs the suite of tests/unit/STAGE/test_NAME.c; without arguments it lists all suites, or runs
 * the only one that there is.
 */
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct rts_suite *suites;

void rts_suite_add(struct rts_suite *suite)
{
    suite->next = suites;
    suites = suite;
}

/* The part of a path that is the same wherever the tree is. */
static const char *place_in_tree(const char *path)
{
    const char *place = strstr(path, "tests/unit/");
    for (const char *next = place; next; next = strstr(next + 1, "tests/unit/"))
        place = next;
    return place ? place : path;
}

int main(int argc, char **argv)
{
    if (argc < 2 && suites && !suites->next)
        return suites->run(argc, argv);
    for (const struct rts_suite *suite = suites; suite; suite = suite->next) {
        if (argc < 2)
            puts(place_in_tree(suite->file));
        else if (strcmp(place_in_tree(suite->file), place_in_tree(argv[1])) == 0)
            return suite->run(argc - 1, argv + 1);
    }
    if (argc < 2)
        return 0;
    fprintf(stderr, "unit: %s is no suite of this program\n", argv[1]);
    return 99;
}
