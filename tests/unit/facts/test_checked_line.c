/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts/checked_line.h"

#include "../oracle.h"
#include "../suite.h"

#define MINIMAL "\"symbolId\":\"s\",\"hitCount\":1"

static const char *check(struct rts_checked_line *line, const char *text, size_t size)
{
    static struct rts_error error;
    error = (struct rts_error){0};
    /* An exact copy, so that the sanitizers see a step beyond the end. */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    int result = rts_checked_line_read(line, copy, size, &error);
    free(copy);
    return result < 0 ? error.text : NULL;
}

static void takes(const char *text)
{
    struct rts_checked_line line;
    const char *said = check(&line, text, strlen(text));
    if (said)
        fail_msg("%s: %s", text, said);
}

static void refuses(const char *text, const char *reason)
{
    struct rts_checked_line line;
    const char *said = check(&line, text, strlen(text));
    if (!said || !strstr(said, reason))
        fail_msg("%s: \"%s\" lacks \"%s\"", text, said ? said : "(taken)", reason);
}

static void contract_examples(void **state)
{
    (void)state;
    takes("{\"symbolId\": \"pkg:python/django.views:View.as_view\",\"codeId\": \"buildid-abc123\","
          "\"purl\": \"pkg:pypi/django@4.2.7\",\"loaderBase\": \"0x7f23c01000\","
          "\"processId\": 214,\"processName\": \"uwsgi\",\"containerId\": \"c123\","
          "\"socketAddress\": \"10.0.0.5:8443\",\"hitCount\": 3,"
          "\"observedAt\": \"2025-11-26T12:00:00Z\",\"metadata\": { \"pid\": \"214\" }}");
    takes("{" MINIMAL "}");
    takes(" \t{ " MINIMAL " , \"evidenceUri\" : \"\" , \"metadata\" : { } } \r");
    takes("{" MINIMAL ",\"buildId\":\"gnu-build-id:00\",\"metadata\":{\"a\":\"\",\"b\":\"1\"}}");
    takes("{\"symbolId\":\"\\u00e9\\ud83d\\ude00\xc3\xa9\xf0\x9f\x98\x80\\n\\/\",\"hitCount\":1}");
    takes("{\"symbolId\":\"s\",\"hitCount\":9223372036854775807}");
}

static void keys_and_values(void **state)
{
    (void)state;
    refuses("{\"hitCount\":1}", "symbolId is missing");
    refuses("{\"symbolId\":\"s\"}", "hitCount is missing");
    refuses("{}", "symbolId is missing");
    refuses("{\"symbolId\":\"\",\"hitCount\":1}", "symbolId is empty");
    refuses("{\"symbolId\":5,\"hitCount\":1}", "symbolId is not a string");
    refuses("{\"symbolId\":null,\"hitCount\":1}", "symbolId is not a string");
    refuses("{" MINIMAL ",\"symbolId\":\"t\"}", "symbolId is given twice");
    refuses("{" MINIMAL ",\"SymbolId\":\"t\"}", "SymbolId is not a key of a fact");
    refuses("{" MINIMAL ",\"host\":\"t\"}", "host is not a key of a fact");
    refuses("{" MINIMAL ",\"\x1b[2J\":\"t\"}", "control character");
    refuses("{" MINIMAL ",\"\":\"t\"}", "is not a key of a fact");
    refuses("{" MINIMAL ",\"purl\":null}", "purl is not a string");
    refuses("{" MINIMAL ",\"processId\":\"5\"}", "processId is not a whole number");
    refuses("{" MINIMAL ",\"processId\":-5}", "processId is not a whole number");
    static const char *const counts[] = {"0",    "-1",  "1.0", "1e3", "\"1\"", "null", "01",
                                         "true", "1.5", "[1]", "",    "+1",    "0x1",  "1E0"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"symbolId\":\"s\",\"hitCount\":%s}", counts[i]);
        refuses(text, "hitCount is not a whole number above 0");
    }
    refuses("{\"symbolId\":\"s\",\"hitCount\":9223372036854775808}", "hitCount is too large");
    refuses("{\"symbolId\":\"s\",\"hitCount\":99999999999999999999999}", "hitCount is too large");
    refuses("{" MINIMAL ",\"metadata\":[]}", "metadata is not an object");
    refuses("{" MINIMAL ",\"metadata\":null}", "metadata is not an object");
    refuses("{" MINIMAL ",\"metadata\":{\"pid\":214}}", "pid in metadata is not a string");
    refuses("{" MINIMAL ",\"metadata\":{\"a\":\"1\",\"a\":\"2\"}}", "a is in metadata twice");
}

static void syntax(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "[]",
        "5",
        "null",
        "\"{}\"",
        "{",
        "}",
        "{\"",
        "{\"symbolId",
        "{\"symbolId\"",
        "{\"symbolId\":",
        "{\"symbolId\":\"s",
        "{\"symbolId\":\"s\"",
        "{\"symbolId\":\"s\",",
        "{\"symbolId\":\"s\",}",
        "{," MINIMAL "}",
        "{" MINIMAL ",}",
        "{" MINIMAL "},",
        "{" MINIMAL "}{" MINIMAL "}",
        "{" MINIMAL "} x",
        "{" MINIMAL "]",
        "{symbolId:\"s\"}",
        "{'symbolId':'s','hitCount':1}",
        "{" MINIMAL ",\"metadata\":{\"a\":\"1\",}}",
        "{" MINIMAL ",\"metadata\":{\"a\"}}",
        "{" MINIMAL ",\"metadata\":{\"a\":\"1\"}",
        "{" MINIMAL ",\"metadata\":{\"a\":\"1\"",
        "{" MINIMAL ",\"metadata\":{",
        "{" MINIMAL " ",
        "{\"symbolId\":\"\t\",\"hitCount\":1}",
        "{\"symbolId\":\"\\x\",\"hitCount\":1}",
        "{\"symbolId\":\"\\u12g4\",\"hitCount\":1}",
        "{\"symbolId\":\"\\ud800\",\"hitCount\":1}",
        "{\"symbolId\":\"\\udc00\",\"hitCount\":1}",
        "{\"symbolId\":\"\\ud800\\n\",\"hitCount\":1}",
        "{\"symbolId\":\"\xff\",\"hitCount\":1}",
        "{\"symbolId\":\"\xc0\xaf\",\"hitCount\":1}",
        "{\"symbolId\":\"\xed\xa0\x80\",\"hitCount\":1}",
        "{\"symbolId\":\"\xe2\x82\",\"hitCount\":1}",
        "{\"symbolId\":\"\xf4\x90\x80\x80\",\"hitCount\":1}",
        "{\"symbolId\":\"a\\",
        "\xef\xbb\xbf{" MINIMAL "}",
        "// c",
        "{\"symbolId\":\"s\\",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(wrong[i], "");
    struct rts_checked_line line;
    static const char with_nul[] = "{\"symbolId\":\"\0\",\"hitCount\":1}";
    assert_non_null(check(&line, with_nul, sizeof with_nul - 1));
    static const char nul_count[] = "{\"symbolId\":\"s\",\"hitCount\":1\0}";
    assert_non_null(check(&line, nul_count, sizeof nul_count - 1));
}

static void times_are_utc(void **state)
{
    (void)state;
    static const char *const right[] = {
        "2025-11-26T12:00:00Z", "2025-11-26T12:00:00.1Z",    "2025-11-26T12:00:00.123456789Z",
        "2024-02-29T23:59:59Z", "2000-02-29T00:00:00+00:00", "1970-01-01T00:00:00.000Z",
    };
    static const char *const wrong[] = {
        "",
        "now",
        "2025-11-26",
        "2025-11-26T12:00:00",
        "2025-11-26 12:00:00Z",
        "2025-11-26T12:00:00+01:00",
        "2025-11-26T12:00:00-00:00",
        "2025-11-26T12:00:00.Z",
        "2025-11-26T12:00:00.1234567890Z",
        "2025-02-29T12:00:00Z",
        "2025-13-01T12:00:00Z",
        "2025-00-01T12:00:00Z",
        "2025-04-31T12:00:00Z",
        "2025-11-26T24:00:00Z",
        "2025-11-26T12:60:00Z",
        "2025-11-26T12:00:60Z",
        "1900-02-29T12:00:00Z",
        "2025-11-26T12:00:00z",
        "2025-11-26T12:00Z",
        "2025-11-26T12:00:00ZZ",
        "0000-01-01T00:00:00Z",
        "2025-1-26T12:00:00Z",
        "2025-11-26T12:00:00,5Z",
        "\\u0032025-11-26T12:00:00Z",
    };
    char text[256];
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(text, sizeof text, "{" MINIMAL ",\"observedAt\":\"%s\"}", right[i]);
        takes(text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "{" MINIMAL ",\"observedAt\":\"%s\"}", wrong[i]);
        refuses(text, "observedAt is not a time in UTC");
    }
    refuses("{" MINIMAL ",\"observedAt\":5}", "observedAt is not a string");
}

static void limits(void **state)
{
    (void)state;
    struct rts_checked_line line;
    size_t size = RTS_CHECKED_LINE_MAX + 1;
    char *large = malloc(size);
    static const char begin[] = "{\"hitCount\":1,\"symbolId\":\"";
    memset(large, 'a', size);
    memcpy(large, begin, sizeof begin - 1);
    memcpy(large + size - 3, "\"}", 2);
    assert_null(check(&line, large, size - 1));
    memcpy(large + size - 3, "a\"}", 3);
    assert_non_null(strstr(check(&line, large, size), "is longer than"));
    free(large);

    char text[2000] = "{" MINIMAL ",\"metadata\":{";
    for (int i = 0; i < 64; i++)
        sprintf(text + strlen(text), "%s\"k%d\":\"v\"", i ? "," : "", i);
    size_t end = strlen(text);
    strcpy(text + end, "}}");
    takes(text);
    strcpy(text + end, ",\"k64\":\"v\"}}");
    refuses(text, "metadata has more than 64 keys");
}

static struct rts_checked_line parsed(const char *text)
{
    struct rts_checked_line line;
    struct rts_error error;
    if (rts_checked_line_read(&line, text, strlen(text), &error) < 0)
        fail_msg("%s", error.text);
    return line;
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

/* Each comes before the next. */
static void order_is_time_symbol_bytes(void **state)
{
    (void)state;
    static const char *const ordered[] = {
        "{\"symbolId\":\"z\",\"hitCount\":9}",
        "{\"symbolId\":\"z\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.0Z\"}",
        "{\"symbolId\":\"zz\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00Z\"}",
        "{\"symbolId\":\"a\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.099Z\"}",
        "{\"symbolId\":\"a\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.10+00:00\"}",
        "{\"symbolId\":\"b\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.1Z\"}",
        "{\"symbolId\":\"b\",\"hitCount\":2,\"observedAt\":\"2025-11-26T12:00:00.100Z\"}",
        "{\"symbolId\":\"a\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.100000001Z\"}",
        "{\"symbolId\":\"a\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:01Z\"}",
        "{\"symbolId\":\"a\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:10Z\"}",
    };
    size_t count = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct rts_checked_line a = parsed(ordered[i]), b = parsed(ordered[j]);
            assert_int_equal(sign(rts_checked_line_compare(&a, &b)), (i > j) - (i < j));
        }
    }
    assert_int_equal(parsed(ordered[0]).hits, 9);
}

/* Damaged in every way, one byte at a time: what is taken, Python takes as well, and by the same
 * rules. */
static void what_is_taken_python_takes(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    static const char whole[] = "{\"symbolId\":\"a\\u00e9\xc3\xa9\",\"hitCount\":12,\"observedAt\":"
                                "\"2024-02-29T12:00:00.5Z\","
                                "\"metadata\":{\"a\":\"b\",\"c\":\"\"}}";
    static const char bytes[] = "\"\\{}[]:,0a-+.eE \t\x01\x80\xc3\xff/u'Z9";
    static const char program[] =
        "import json,sys,re,datetime\n"
        "def pairs(p):\n"
        "    k=[a for a,b in p]\n"
        "    if len(set(k))!=len(k): raise ValueError\n"
        "    return dict(p)\n"
        "def ok(l):\n"
        "    try:\n"
        "        f=json.loads(l.decode('utf-8'),object_pairs_hook=pairs,parse_float=lambda x: "
        "None)\n"
        "        json.dumps(f,ensure_ascii=False).encode('utf-8')\n"
        "        if type(f) is not dict or set(f)-{'symbolId','hitCount','observedAt','metadata'}: "
        "return False\n"
        "        if type(f['symbolId']) is not str or not f['symbolId']: return False\n"
        "        if type(f['hitCount']) is not int or f['hitCount']<1: return False\n"
        "        if 'observedAt' in f:\n"
        "            "
        "m=re.fullmatch(r'(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d)(\\.\\d{1,9})?(Z|[+]00:00)',"
        "f['observedAt'],re.A)\n"
        "            datetime.datetime.strptime(m.group(1),'%Y-%m-%dT%H:%M:%S')\n"
        "            if m.group(1).endswith('60') or m.group(1).endswith('61'): return False\n"
        "        m=f.get('metadata',{})\n"
        "        return type(m) is dict and all(type(v) is str for v in m.values())\n"
        "    except (ValueError,KeyError,TypeError,AttributeError): return False\n"
        "print(''.join('01'[ok(l)] for l in open(sys.argv[1],'rb').read().split(b'\\n')[:-1]))\n";
    struct rts_buffer {
        char *data;
        size_t size;
    } lines = {calloc(1, 4000000), 0};
    char *verdicts = calloc(1, 100000);
    size_t count = 0;
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        for (size_t way = 0; way < 2 * (sizeof bytes - 1) + 1; way++) {
            char text[sizeof whole + 1];
            size_t size = sizeof whole - 1;
            memcpy(text, whole, size);
            if (way < sizeof bytes - 1) {
                text[at] = bytes[way];
            } else if (way < 2 * (sizeof bytes - 1)) {
                memmove(text + at + 1, text + at, size++ - at);
                text[at] = bytes[way - (sizeof bytes - 1)];
            } else {
                memmove(text + at, text + at + 1, --size - at);
            }
            struct rts_checked_line line;
            verdicts[count++] = check(&line, text, size) ? '0' : '1';
            memcpy(lines.data + lines.size, text, size);
            lines.size += size;
            lines.data[lines.size++] = '\n';
        }
    }
    char *script = oracle_file(program, sizeof program - 1);
    char *file = oracle_file(lines.data, lines.size);
    char *expected = oracle_ask("python3 %s %s", script, file);
    assert_int_equal(strlen(expected), count);
    const char *line = lines.data;
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(line, "\n");
        if (verdicts[i] != expected[i])
            fail_msg("%.*s: %c", (int)size, line, verdicts[i]);
        line += size + 1;
    }
    assert_non_null(strchr(expected, '1'));
    free(expected);
    oracle_file_done(script);
    oracle_file_done(file);
    free(verdicts);
    free(lines.data);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_examples),
        cmocka_unit_test(keys_and_values),
        cmocka_unit_test(syntax),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(limits),
        cmocka_unit_test(order_is_time_symbol_bytes),
        cmocka_unit_test(what_is_taken_python_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
