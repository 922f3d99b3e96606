/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two shared objects that are loaded, used and unloaded in turn, usually at the same address. They
 * are built from one source and have their functions in opposite order, so what is `red_spin` in
 * one lies where `blue_enter` is in the other.
 *
 * EXPECT: _ < plugin_turn < main < _start
 * SHARE: red_spin 30 70
 * SHARE: red_enter 30 70
 * SHARE: blue_spin 30 70
 * SHARE: blue_enter 30 70
 * BUILD plugin-host: $CC -O2 -shared -fPIC -DRED -o $OUT-red.so $DIR/plugin.c
 * BUILD plugin-host: $CC -O2 -shared -fPIC -DBLUE -o $OUT-blue.so $DIR/plugin.c
 * BUILD plugin-host: $CC -O2 -o $OUT $SRC -ldl
 */
#include <dlfcn.h>
#include <stdio.h>

#include "program.h"

OWN_FRAME void plugin_turn(const char *host, const char *color)
{
    char path[4096];
    char symbol[64];
    void *plugin;
    void (*enter)(void);

    snprintf(path, sizeof(path), "%s-%s.so", host, color);
    snprintf(symbol, sizeof(symbol), "%s_enter", color);
    plugin = dlopen(path, RTLD_NOW);
    if (!plugin)
        _exit(1);
    *(void **)&enter = dlsym(plugin, symbol);
    if (!enter)
        _exit(1);
    enter();
    dlclose(plugin);
}

int main(int argc, char **argv)
{
    (void)argc;
    program_ready();
    while (!program_stop) {
        plugin_turn(argv[0], "red");
        plugin_turn(argv[0], "blue");
    }
    return 0;
}
