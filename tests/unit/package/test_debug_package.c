/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "package/debug_package.h"

static void names(const char *purl, const char *expected)
{
    char name[RTS_DEBUG_PACKAGE_SIZE];
    assert_int_equal(rts_debug_package(purl, name), *expected != '\0');
    assert_string_equal(name, expected);
}

static void by_distribution(void **state)
{
    (void)state;
    names("pkg:deb/debian/libxml2@2.9.14+dfsg-1.3?arch=amd64", "libxml2-dbgsym");
    names("pkg:deb/debian/libc6@2.36-9+deb12u9?arch=amd64", "libc6-dbg");
    names("pkg:deb/ubuntu/libc6-dev@2.36", "libc6-dev-dbgsym");
    names("pkg:rpm/fedora/openssl-libs@3.0.8-1.fc38?arch=x86_64", "openssl-libs-debuginfo");
    names("pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64", "musl-dbg");
    names("pkg:golang/example.com/a/b@v1.0.0", "");
    names("pkg:deb/debian/@1", "");
    names("", "");
}

static void what_does_not_fit_is_no_name(void **state)
{
    (void)state;
    char purl[300];
    for (int length = 110; length < 140; length++) {
        char name[RTS_DEBUG_PACKAGE_SIZE];
        snprintf(purl, sizeof purl, "pkg:deb/debian/%0*d@1", length, 7);
        bool fits = length + 7 < RTS_DEBUG_PACKAGE_SIZE;
        assert_int_equal(rts_debug_package(purl, name), fits);
        assert_int_equal(strlen(name), fits ? length + 7 : 0);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_distribution),
        cmocka_unit_test(what_does_not_fit_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
