/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the files of an object are as they were when they were opened: declared in object.h and
 * object_state.h. */
#include "binary/object_state.h"

bool rts_object_has_changed(const struct rts_object *object)
{
    return rts_elf_image_has_changed(&object->image);
}

bool rts_object_is_intact(const struct rts_object *object)
{
    return rts_elf_image_is_intact(&object->image);
}

int64_t rts_object_modified_ns(const struct rts_object *object)
{
    const struct rts_elf_image *image = &object->image;
    if (!image->watch || !rts_file_has_own_times(image->fd))
        return 0;
    return rts_file_watch_modified_ns(image->watch);
}

bool rts_object_part_is_sound(struct rts_object *object)
{
    bool sound = rts_object_is_intact(object);
    if (!sound)
        rts_unread_say_overwritten(&object->unread, "it",
                                   "functions without a name yet go by their place in it");
    if (object->companion_found && !rts_elf_image_is_intact(&object->companion)) {
        /* It stays open: what was made of it while it was the same may need it. */
        object->companion_found = false;
        rts_unread_say_overwritten(&object->unread, "its debug file", "it is not used any more");
        sound = false;
    }
    return sound;
}
