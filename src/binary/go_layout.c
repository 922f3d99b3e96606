/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/go_layout.h"

#include <stddef.h>

static const struct rts_go_layout layouts[] = {
    {.magic = 0xfffffffb, .header_words = 1, .name_at = 8, .sizes_at = 20}, /* Go 1.2 */
    {.magic = 0xfffffffa,
     .header_words = 7,
     .names = 2,
     .compile_units = 3,
     .numbers = 5,
     .functab = 6,
     .name_at = 8,
     .sizes_at = 20,
     .flags_at = 41}, /* Go 1.16 */
    {.magic = 0xfffffff0,
     .header_words = 8,
     .text = 2,
     .names = 3,
     .compile_units = 4,
     .numbers = 6,
     .functab = 7,
     .name_at = 4,
     .sizes_at = 16,
     .flags_at = 37}, /* Go 1.18 */
    {.magic = 0xfffffff1,
     .header_words = 8,
     .text = 2,
     .names = 3,
     .compile_units = 4,
     .numbers = 6,
     .functab = 7,
     .name_at = 4,
     .sizes_at = 16,
     .flags_at = 41}, /* Go 1.20 */
};

const struct rts_go_layout *rts_go_layout_of(const struct rts_go_start *start)
{
    bool sound = start->zero[0] == 0 && start->zero[1] == 0 &&
                 start->pointer_size == sizeof(uint64_t) &&
                 (start->quantum == 1 || start->quantum == 2 || start->quantum == 4);
    for (size_t i = 0; sound && i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].magic == start->magic)
            return &layouts[i];
    return NULL;
}
