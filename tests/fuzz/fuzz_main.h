/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a program of a fuzz target, which takes files instead, to replay findings: included by its
 * file when it is built with RTS_FUZZ_MAIN. */
#ifndef RTS_TESTS_FUZZ_MAIN_H
#define RTS_TESTS_FUZZ_MAIN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef RTS_FUZZ_MAIN
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fseek(file, 0, SEEK_END) != 0) {
            perror(argv[i]);
            return 1;
        }
        size_t size = (size_t)ftell(file);
        uint8_t *data = malloc(size + 1);
        rewind(file);
        size = data ? fread(data, 1, size, file) : 0;
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    return 0;
}
#endif

#endif
