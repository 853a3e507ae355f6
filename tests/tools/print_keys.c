/* Prints the table of keys as README.md has it: tests/integration/test_docs.py compares the two,
 * and the same output is what to paste there after a change of src/config/keys.c. */
#include <stdio.h>

#include "base/text.h"
#include "config/config.h"

int main(void)
{
    struct text_buffer out = {.max = (size_t)1 << 20};
    bool ok = config_write_markdown(&out) && fwrite(out.data, 1, out.len, stdout) == out.len;
    text_buffer_free(&out);
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
