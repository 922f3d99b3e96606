/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "package/purl.h"

static void assert_purl(struct rts_purl purl, const char *expected)
{
    char *text = rts_purl_format(&purl);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

static void encodes_as_the_specification_says(void **state)
{
    (void)state;
    assert_purl((struct rts_purl){.type = "deb",
                                  .space = "debian",
                                  .name = "zlib1g",
                                  .version = "1:1.2.13.dfsg-1",
                                  .arch = "amd64"},
                "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64");
    assert_purl((struct rts_purl){.type = "deb",
                                  .space = "Debian",
                                  .name = "libstdc++6",
                                  .version = "12.2.0-14+deb12u1~x",
                                  .arch = "amd64"},
                "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1~x?arch=amd64");
    assert_purl((struct rts_purl){.type = "rpm",
                                  .space = "fedora",
                                  .name = "ImageMagick",
                                  .version = "7.1-1.fc41",
                                  .arch = "x86_64",
                                  .distro = "fedora-41",
                                  .epoch = "1"},
                "pkg:rpm/fedora/ImageMagick@7.1-1.fc41?arch=x86_64&distro=fedora-41&epoch=1");
    assert_purl((struct rts_purl){.type = "golang",
                                  .name = "github.com/BurntSushi/toml",
                                  .version = "v2.0.0+incompatible"},
                "pkg:golang/github.com/burntsushi/toml@v2.0.0%2Bincompatible");
    assert_purl(
        (struct rts_purl){
            .type = "npm", .space = "@img", .name = "sharp-linux-x64", .version = "0.33.5"},
        "pkg:npm/%40img/sharp-linux-x64@0.33.5");
    assert_purl((struct rts_purl){.type = "pypi", .name = "Markup_Safe", .version = "2.1"},
                "pkg:pypi/markup-safe@2.1");
    assert_purl(
        (struct rts_purl){.type = "rpm", .name = "a?b#c/d@e", .version = "1 2", .epoch = "0"},
        "pkg:rpm/a%3Fb%23c%2Fd%40e@1%202");
}

static void without_a_name_or_version_there_is_none(void **state)
{
    (void)state;
    char name[2 * RTS_PURL_MAX];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_purl((struct rts_purl){.type = "deb", .space = "debian", .name = "x"}, NULL);
    assert_purl((struct rts_purl){.type = "deb", .space = "debian", .name = "", .version = "1"},
                NULL);
    assert_purl((struct rts_purl){.type = "cargo", .name = name, .version = "1"}, NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_as_the_specification_says),
        cmocka_unit_test(without_a_name_or_version_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
