/* See tool.h. */
#include "layout/tool.h"

static const char *const names[] = {
#define LAYOUT_NAME(tool, name) [LAYOUT_##tool] = (name),
    LAYOUT_TOOLS(LAYOUT_NAME)
#undef LAYOUT_NAME
};

const char *layout_tool_name(enum layout_tool tool)
{
    return names[tool];
}
