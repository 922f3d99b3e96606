/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/owner.h"

#include "../oracle.h"
#include "../suite.h"

static void users_have_numbers(void **state)
{
    (void)state;
    struct rts_owners owners;
    rts_owners_init(&owners);
    assert_int_equal(rts_owners_find(&owners, 0), RTS_OWNER_ROOT);
    assert_int_equal(rts_owners_find(&owners, 1000), 1);
    assert_int_equal(rts_owners_find(&owners, UINT32_MAX), 2);
    assert_int_equal(rts_owners_find(&owners, 1000), 1);
    for (uint32_t uid = 2000; uid < 2000 + 2 * RTS_OWNERS_MAX; uid++)
        assert_in_range(rts_owners_find(&owners, uid), 3, RTS_OWNER_OTHER);
    assert_int_equal(rts_owners_find(&owners, 9999), RTS_OWNER_OTHER);
    assert_int_equal(rts_owners_find(&owners, 1000), 1);
}

/* An administrator can tell whose a digest is. */
static void digests_are_of_this_machine(void **state)
{
    (void)state;
    struct rts_owners owners;
    char digest[RTS_OWNER_DIGEST_SIZE];
    rts_owners_init(&owners);
    rts_owners_digest(&owners, RTS_OWNER_ROOT, digest);
    assert_string_equal(digest, "root");
    rts_owners_digest(&owners, RTS_OWNER_OTHER, digest);
    assert_string_equal(digest, "others");
    rts_owners_digest(&owners, rts_owners_find(&owners, 1234), digest);
    assert_int_equal(strlen(digest), 8);
    if (!oracle_has("sha256sum") || access("/etc/machine-id", R_OK) != 0)
        skip();
    char *expected = oracle_ask("printf 'rtsample owner %%s 1234' \"$(cat /etc/machine-id)\" | "
                                "sha256sum | cut -c1-8");
    assert_string_equal(digest, expected);
    free(expected);
}

static void the_effective_uid_counts(void **state)
{
    (void)state;
    uint32_t uid = 77777;
    char *expected = oracle_ask("id -u");
    assert_int_equal(
        rts_process_uid_read(&(struct rts_proc){.root = "/proc"}, (int32_t)getpid(), &uid), 0);
    assert_int_equal(uid, strtoul(expected, NULL, 10));
    uid = 77777;
    assert_int_equal(rts_process_uid_read(&(struct rts_proc){.root = "/proc"}, 0x7ffffff0, &uid),
                     -1);
    assert_int_equal(uid, 77777);
    free(expected);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_have_numbers),
        cmocka_unit_test(digests_are_of_this_machine),
        cmocka_unit_test(the_effective_uid_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
