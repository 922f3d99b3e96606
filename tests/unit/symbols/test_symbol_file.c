/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "binary/object.h"
#include "symbols/symbol.h"

#include "../oracle.h"
#include "../suite.h"

/* Found by name in our own file: readelf tells the address, ours is what comes out for it. */
void rts_test_landmark(void);
void rts_test_landmark(void)
{
    print_message("passed by\n");
}

/* The ids of a function of this very program, against readelf, nm and python. */
static void a_real_file_agrees_with_readelf(void **state)
{
    (void)state;
    ORACLE_NEEDS("readelf");
    ORACLE_NEEDS("python3");
    char self[4096] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    char *address = oracle_ask("readelf -Ws '%s' | awk '$8 == \"rts_test_landmark\" {print $2}' | "
                               "head -n 1",
                               self);
    char *code = oracle_ask("id=$(readelf -n '%s' | sed -n 's/.*Build ID: //p'); "
                            "if [ -n \"$id\" ]; then echo \"buildid-$id\"; "
                            "else echo \"sha256-$(sha256sum <'%s' | cut -c 1-64)\"; fi",
                            self, self);
    char *id = oracle_ask("python3 -c \"import base64,hashlib,sys\n"
                          "code=sys.argv[1].split('-')[1]\n"
                          "d=hashlib.sha256((code+'\\0.text\\0rts_test_landmark').encode())\n"
                          "print('sym:binary:'+base64.urlsafe_b64encode(d.digest())"
                          ".decode().rstrip('='))\" %s",
                          code);

    struct rts_error error = {0};
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    struct rts_object *object = rts_object_open(fd, self, NULL, &error);
    assert_non_null(object);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_UNION_V01);
    struct rts_symbol *const *symbols;
    size_t count =
        rts_symbol_table_resolve(table, object, strtoull(address, NULL, 16) + 1, &symbols);
    assert_true(count > 0);
    const struct rts_symbol *symbol = symbols[count - 1];
    assert_string_equal(symbol->name, "rts_test_landmark");
    assert_string_equal(symbol->symbol_id, id);
    assert_string_equal(symbol->code_id, code);
    assert_string_equal(symbol->module, strrchr(self, '/') + 1);
    assert_int_equal(symbol->source, RTS_SYMBOL_SYMTAB);
    rts_symbol_table_destroy(table);
    rts_object_destroy(object);
    free(address);
    free(code);
    free(id);
}

/* The same with the other scheme, from the bytes of the file up. */
static void addressed_ids_agree_with_readelf(void **state)
{
    (void)state;
    ORACLE_NEEDS("readelf");
    ORACLE_NEEDS("python3");
    char self[4096] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    char *address = oracle_ask("readelf -Ws '%s' | awk '$8 == \"rts_test_landmark\" {print $2}' | "
                               "head -n 1",
                               self);
    char *ids = oracle_ask(
        "readelf -Ws '%s' | awk '$8 == \"rts_test_landmark\" {print $2, $3, tolower($5); exit}' | "
        "{ read a s l; set -- $(readelf -WS '%s' | sed 's/^ *\\[ *[0-9]*\\]//' | "
        "awk '$1 == \".text\" {print $3, $4}'); python3 -c \"\n"
        "import base64, hashlib, sys\n"
        "path, a, s, l, at, off, code = sys.argv[1:]\n"
        "data = open(path, 'rb').read()\n"
        "a, s, off = int(a, 16), int(s), int(off, 16) + int(a, 16) - int(at, 16)\n"
        "def i(*p): return base64.urlsafe_b64encode(hashlib.sha256(chr(0).join(p).encode())"
        ".digest()).decode().rstrip('=')\n"
        "h = hashlib.sha256(data).hexdigest()\n"
        "b = hashlib.sha256(data[off:off + s]).hexdigest()\n"
        "print('sym:binary:' + i(h, '.text', hex(a), 'rts_test_landmark', l),"
        " 'code:binary:' + i('elf', code or h, '.text', hex(a), hex(s), b))\n"
        "\" '%s' $a $s $l $1 $2 \"$(readelf -n '%s' | sed -n 's/.*Build ID: //p')\"; }",
        self, self, self, self);

    struct rts_error error = {0};
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    struct rts_object *object = rts_object_open(fd, self, NULL, &error);
    assert_non_null(object);
    struct rts_symbol_table *table = rts_symbol_table_create(RTS_ID_ADDRESSED);
    struct rts_symbol *const *symbols;
    size_t count =
        rts_symbol_table_resolve(table, object, strtoull(address, NULL, 16) + 1, &symbols);
    assert_true(count > 0);
    char both[256];
    snprintf(both, sizeof both, "%s %s", symbols[count - 1]->symbol_id,
             symbols[count - 1]->code_id);
    assert_string_equal(both, ids);
    rts_symbol_table_destroy(table);
    rts_object_destroy(object);
    free(address);
    free(ids);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_file_agrees_with_readelf),
        cmocka_unit_test(addressed_ids_agree_with_readelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
