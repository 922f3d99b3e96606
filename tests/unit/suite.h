/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A suite: what a file of unit tests has in the place of main(). All of them are one program, which
 * is linked once and runs each suite as a process of its own:
 *
 *     RTS_SUITE
 *     {
 *         const struct CMUnitTest tests[] = {cmocka_unit_test(it_adds_up)};
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 */
#ifndef RTS_TESTS_SUITE_H
#define RTS_TESTS_SUITE_H

struct rts_suite {
    const char *file; /* __FILE__ */
    int (*run)(int argc, char **argv);
    struct rts_suite *next;
};

/* Called before main(); `suite` lives as long as the program. */
void rts_suite_add(struct rts_suite *suite);

/* One that takes arguments: argv[0] is the path that it was asked for by. */
#define RTS_SUITE_WITH(argc, argv)                                                                 \
    static int run_suite(int argc, char **argv);                                                   \
    __attribute__((constructor)) static void add_suite(void)                                       \
    {                                                                                              \
        static struct rts_suite suite = {__FILE__, run_suite, NULL};                               \
        rts_suite_add(&suite);                                                                     \
    }                                                                                              \
    static int run_suite(int argc, char **argv)

#define RTS_SUITE RTS_SUITE_WITH(argc __attribute__((unused)), argv __attribute__((unused)))

#endif
