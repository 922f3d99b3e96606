/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/sha256.h"

#include "../oracle.h"
#include "../suite.h"

/* The digests of NIST's example messages (FIPS 180-4). */
static void known_digests(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint8_t digest[RTS_SHA256_SIZE];
        char hex[RTS_SHA256_HEX_SIZE];
        rts_sha256_bytes(known[i].text, strlen(known[i].text), digest);
        rts_sha256_hex(digest, hex);
        assert_string_equal(hex, known[i].hex);
    }
}

/* In pieces of changing size, against sha256sum. */
static void streaming_agrees_with_sha256sum(void **state)
{
    (void)state;
    ORACLE_NEEDS("sha256sum");
    static uint8_t bytes[100001];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i >> 3);
    struct rts_sha256 hash;
    rts_sha256_init(&hash);
    for (size_t at = 0, piece = 0; at < sizeof bytes; at += piece) {
        piece = 1 + at % 977;
        if (piece > sizeof bytes - at)
            piece = sizeof bytes - at;
        rts_sha256_update(&hash, bytes + at, piece);
    }
    uint8_t digest[RTS_SHA256_SIZE];
    char hex[RTS_SHA256_HEX_SIZE];
    rts_sha256_finish(&hash, digest);
    rts_sha256_hex(digest, hex);

    char *file = oracle_file(bytes, sizeof bytes);
    char *expected = oracle_ask("sha256sum <'%s' | cut -c 1-64", file);
    assert_string_equal(hex, expected);
    free(expected);
    oracle_file_done(file);
}

static void may_be_given_up(void **state)
{
    (void)state;
    struct rts_sha256 hash;
    rts_sha256_init(&hash);
    rts_sha256_update(&hash, "x", 1);
    rts_sha256_finish(&hash, NULL);
    assert_null(hash.context);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(streaming_agrees_with_sha256sum),
        cmocka_unit_test(may_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
