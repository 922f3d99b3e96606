/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/heap.h"

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)

/* A block that is mapped is given back when it is freed, also after larger ones were freed. */
static void test_settled(void **state)
{
    (void)state;
    rts_heap_settle();
    for (size_t size = 8 << 20; size >= 100 << 10; size /= 2) {
        size_t before = mallinfo2().hblks;
        char *block = malloc(size);
        assert_non_null(block);
        memset(block, 1, size);
        assert_int_equal(mallinfo2().hblks, before + 1);
        free(block);
        assert_int_equal(mallinfo2().hblks, before);
    }
}

/* Pages between blocks that stay go back to the system. */
static void test_trimmed(void **state)
{
    (void)state;
    enum {
        COUNT = 2000
    };
    static char *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(20000);
        assert_non_null(blocks[i]);
    }
    for (size_t i = 0; i < COUNT; i += 2)
        free(blocks[i]);
    rts_heap_trim();
    /* What was trimmed is no more than free, for glibc; that it does no harm shows in the rest. */
    for (size_t i = 1; i < COUNT; i += 2) {
        memset(blocks[i], 1, 20000);
        free(blocks[i]);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

RTS_SUITE
{
    rts_heap_settle();
    rts_heap_trim();
    return 77; /* another allocator */
}

#endif
