/* The migration tools whose folders can be read, by the names that users type. */
#ifndef LITEINIT_LAYOUT_TOOL_H
#define LITEINIT_LAYOUT_TOOL_H

#include <stdbool.h>

/* X(tool, name). DETECT finds out which one a folder is written for. */
#define LAYOUT_TOOLS(X)                                                                            \
    X(DETECT, "detect")                                                                            \
    X(LITEINIT, "liteinit")                                                                        \
    X(GOLANG_MIGRATE, "golang-migrate")                                                            \
    X(SQLX, "sqlx")                                                                                \
    X(DBMATE, "dbmate")                                                                            \
    X(GOOSE, "goose")                                                                              \
    X(FLYWAY, "flyway")                                                                            \
    X(REFINERY, "refinery")                                                                        \
    X(DIESEL, "diesel")                                                                            \
    X(PRISMA, "prisma")                                                                            \
    X(DRIZZLE, "drizzle")

#define LAYOUT_ENUM(tool, name) LAYOUT_##tool,
enum layout_tool { LAYOUT_TOOLS(LAYOUT_ENUM) LAYOUT_TOOL_COUNT };
#undef LAYOUT_ENUM

/* The name as users type it; static. */
const char *layout_tool_name(enum layout_tool tool);

#endif
