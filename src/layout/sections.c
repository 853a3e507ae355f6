/*
 * The markers of dbmate and goose, which keep both directions in one file. See internal.h.
 *
 * dbmate: `-- migrate:up` and `-- migrate:down`, each perhaps with transaction:false
 * (https://github.com/amacneil/dbmate#creating-migrations).
 * goose: `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`, `ENVSUB ON`
 * (https://pressly.github.io/goose/documentation/annotations/).
 *
 * Both tools look at lines, and would take one inside a string or a block comment for a marker.
 * SQLite would not: such a file is refused, since it means two things.
 */
#include "layout/internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "layout/tokens.h"

enum marker {
    MARKER_NONE,
    MARKER_UP,
    MARKER_DOWN,
    MARKER_BEGIN,
    MARKER_END,
    MARKER_NO_TRANSACTION,
    MARKER_SUBSTITUTE,
    MARKER_PLAIN, /* known, and nothing to us */
    MARKER_UNKNOWN,
};

static const struct {
    const char *text;
    enum marker marker;
} goose_markers[] = {
    {"Up", MARKER_UP},
    {"Down", MARKER_DOWN},
    {"StatementBegin", MARKER_BEGIN},
    {"StatementEnd", MARKER_END},
    {"NO TRANSACTION", MARKER_NO_TRANSACTION},
    {"ENVSUB ON", MARKER_SUBSTITUTE},
    {"ENVSUBST ON", MARKER_SUBSTITUTE},
    {"ENVSUB OFF", MARKER_PLAIN},
    {"ENVSUBST OFF", MARKER_PLAIN},
};

/* A line that is a marker. */
struct line {
    enum layout_tool tool; /* whose; DETECT: it is no marker */
    enum marker marker;
    char words[128]; /* what follows the marker's first word */
};

/* Copies the words of a text with one space between them, cut at the room. */
static void copy_words(const char *text, size_t size, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < room; i++) {
        bool blank = strchr(" \t\r\f", text[i]) != NULL;
        if (!blank)
            out[n++] = text[i];
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* Takes a comment from "--" to the end of its line apart. */
static struct line read_line(const char *text, size_t size)
{
    struct line line = {.tool = LAYOUT_DETECT};
    char words[sizeof line.words + 16] = "";
    copy_words(text + 2, size - 2, words, sizeof words);
    const char *rest = NULL;
    if (text_starts_with(words, "migrate:up")) {
        line.marker = MARKER_UP;
        rest = words + strlen("migrate:up");
    } else if (text_starts_with(words, "migrate:down")) {
        line.marker = MARKER_DOWN;
        rest = words + strlen("migrate:down");
    }
    if (rest != NULL && (*rest == '\0' || *rest == ' ')) {
        line.tool = LAYOUT_DBMATE;
        (void)snprintf(line.words, sizeof line.words, "%s", *rest == ' ' ? rest + 1 : rest);
        return line;
    }
    if (!text_starts_with(words, "+goose"))
        return line;
    rest = words + strlen("+goose");
    (void)snprintf(line.words, sizeof line.words, "%s", *rest == ' ' ? rest + 1 : rest);
    line.tool = LAYOUT_GOOSE;
    line.marker = MARKER_UNKNOWN;
    for (size_t i = 0; i < sizeof goose_markers / sizeof goose_markers[0]; i++)
        if (strcasecmp(line.words, goose_markers[i].text) == 0)
            line.marker = goose_markers[i].marker;
    return line;
}

static size_t line_length(const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size);
    return end != NULL ? (size_t)(end - text) : size;
}

/* Whether some line of a token that holds several, but for its first, looks like a marker. Offset
 * of that line in *ret_offset. */
static bool hides_marker(const char *text, size_t size, size_t *ret_offset)
{
    size_t at = line_length(text, size) + 1;
    while (at < size) {
        size_t length = line_length(text + at, size - at);
        size_t blank = 0;
        while (blank < length && (text[at + blank] == ' ' || text[at + blank] == '\t'))
            blank++;
        if (length - blank >= 2 && memcmp(text + at + blank, "--", 2) == 0 &&
            read_line(text + at + blank, length - blank).tool != LAYOUT_DETECT) {
            *ret_offset = at;
            return true;
        }
        at += length + 1;
    }
    return false;
}

static int line_of(const char *text, size_t offset)
{
    int line = 0;
    int column = 0;
    layout_place_of(text, offset, &line, &column);
    return line;
}

/* Goes over a text's tokens and stops at those that begin a line with "--". */
struct walk {
    const char *text;
    size_t size;
    size_t at;         /* where the next token begins */
    size_t line;       /* where the line of the marker begins */
    bool line_start;   /* only blanks so far in this line */
    bool statement;    /* a token that is no blank was passed since the last marker */
    size_t hidden;     /* a line inside a token that looks like a marker; SIZE_MAX: none */
    size_t line_begin; /* where the current line begins */
};

static struct walk walk_over(const char *text, size_t size)
{
    return (struct walk){.text = text, .size = size, .line_start = true, .hidden = SIZE_MAX};
}

static void pass(struct walk *walk, const struct layout_token *token)
{
    const char *text = walk->text + walk->at;
    const char *newline = memrchr(text, '\n', token->size);
    size_t offset = 0;
    bool blank = token->kind == LAYOUT_TOKEN_SPACE || token->kind == LAYOUT_TOKEN_COMMENT;
    if (token->kind != LAYOUT_TOKEN_SPACE && newline != NULL && walk->hidden == SIZE_MAX &&
        hides_marker(text, token->size, &offset))
        walk->hidden = walk->at + offset;
    if (newline != NULL)
        walk->line_begin = (size_t)(newline - walk->text) + 1;
    /* Behind a token of several lines its last line is not at its start. */
    walk->line_start = token->kind == LAYOUT_TOKEN_SPACE && (walk->line_start || newline != NULL);
    walk->statement = walk->statement || !blank;
    walk->at += token->size;
}

/* The next marker; tool DETECT at the end. */
static struct line next_marker(struct walk *walk)
{
    walk->statement = false;
    while (walk->at < walk->size) {
        const char *text = walk->text + walk->at;
        struct layout_token token = layout_token_next(text, walk->size - walk->at);
        if (token.kind == LAYOUT_TOKEN_COMMENT && text[0] == '-' && walk->line_start) {
            struct line line = read_line(text, token.size);
            walk->line = walk->line_begin;
            walk->at += token.size;
            if (line.tool != LAYOUT_DETECT)
                return line;
        } else {
            pass(walk, &token);
        }
    }
    return (struct line){.tool = LAYOUT_DETECT};
}

/* Most files have no marker, which a search for these finds out without looking at tokens. */
static bool may_have_marker(const char *text, size_t size)
{
    return memmem(text, size, "+goose", 6) != NULL || memmem(text, size, "migrate:", 8) != NULL;
}

enum layout_tool layout_sections_tool(const char *text, size_t size, int *ret_line)
{
    if (!may_have_marker(text, size))
        return LAYOUT_DETECT;
    struct walk walk = walk_over(text, size);
    struct line line = next_marker(&walk);
    while (line.tool != LAYOUT_DETECT && line.marker != MARKER_UP && line.marker != MARKER_DOWN)
        line = next_marker(&walk);
    if (line.tool != LAYOUT_DETECT)
        *ret_line = line_of(text, walk.line);
    return line.tool;
}

/* What is being read, and what was found so far. */
struct state {
    const char *file;
    struct walk walk;
    struct layout_sections sections;
    bool up;
    bool down;
    bool begun; /* StatementBegin without its end */
    size_t begun_at;
};

static int fault(const struct state *state, enum error_kind kind, size_t offset, const char *what,
                 struct error *err)
{
    return layout_error_at(err, kind, state->file, line_of(state->walk.text, offset), "%s", what);
}

static int read_option(const struct state *state, const char *word, bool *no_transaction,
                       struct error *err)
{
    if (strcmp(word, "transaction:false") == 0) {
        *no_transaction = true;
        return 0;
    }
    if (strcmp(word, "transaction:true") == 0)
        return 0;
    (void)layout_error_at(err, ERROR_DATA, state->file, line_of(state->walk.text, state->walk.line),
                          "unknown option \"%.64s\" of dbmate's marker", word);
    return error_hint(err, "this version knows: transaction:false, transaction:true");
}

static int read_options(const struct state *state, const char *words, bool *no_transaction,
                        struct error *err)
{
    char copy[sizeof((struct line *)NULL)->words];
    char *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        if (read_option(state, word, no_transaction, err) != 0)
            return -1;
    return 0;
}

static int begin_up(struct state *state, const struct line *line, struct error *err)
{
    if (state->up)
        return fault(state, ERROR_DATA, state->walk.line, "a second up marker in one file", err);
    if (state->down)
        return fault(state, ERROR_DATA, state->walk.line,
                     "the up marker comes behind the down marker", err);
    state->up = true;
    state->sections.up = state->walk.line;
    if (line->tool == LAYOUT_DBMATE)
        return read_options(state, line->words, &state->sections.up_no_transaction, err);
    return 0;
}

static int begin_down(struct state *state, const struct line *line, struct error *err)
{
    if (state->down)
        return fault(state, ERROR_DATA, state->walk.line, "a second down marker in one file", err);
    if (!state->up)
        return fault(state, ERROR_DATA, state->walk.line,
                     "the down marker comes without an up marker before it", err);
    if (state->begun)
        return fault(state, ERROR_DATA, state->begun_at, "this StatementBegin has no StatementEnd",
                     err);
    state->down = true;
    state->sections.down = state->walk.line;
    if (line->tool == LAYOUT_DBMATE)
        return read_options(state, line->words, &state->sections.down_no_transaction, err);
    return 0;
}

static int statement_marker(struct state *state, const struct line *line, struct error *err)
{
    bool begins = line->marker == MARKER_BEGIN;
    if (!state->up)
        return fault(state, ERROR_DATA, state->walk.line,
                     "a statement's marker before the up marker", err);
    if (begins == state->begun)
        return fault(state, ERROR_DATA, state->walk.line,
                     begins ? "a StatementBegin inside a statement that has not ended"
                            : "a StatementEnd without its StatementBegin",
                     err);
    state->begun = begins;
    state->begun_at = state->walk.line;
    return 0;
}

static int refuse_substitution(const struct state *state, struct error *err)
{
    (void)fault(state, ERROR_CONFIG, state->walk.line,
                "goose would paste values of the environment into this SQL, which liteinit does "
                "not do: what runs would not be what was checked",
                err);
    return error_hint(err, "write the values into the file, and remove the ENVSUB marker");
}

static int take_marker(struct state *state, const struct line *line, struct error *err)
{
    switch (line->marker) {
    case MARKER_UP:
        return begin_up(state, line, err);
    case MARKER_DOWN:
        return begin_down(state, line, err);
    case MARKER_BEGIN:
    case MARKER_END:
        return statement_marker(state, line, err);
    case MARKER_NO_TRANSACTION:
        state->sections.up_no_transaction = true;
        state->sections.down_no_transaction = true;
        return 0;
    case MARKER_SUBSTITUTE:
        return refuse_substitution(state, err);
    case MARKER_UNKNOWN:
        (void)layout_error_at(err, ERROR_DATA, state->file,
                              line_of(state->walk.text, state->walk.line),
                              "unknown marker \"+goose %.64s\"", line->words);
        return error_hint(err, "this version knows: Up, Down, StatementBegin, StatementEnd, "
                               "NO TRANSACTION");
    default:
        return 0;
    }
}

/* What holds for the file as a whole, once all markers are read. */
static int look_over(const struct state *state, enum layout_tool tool, struct error *err)
{
    const char *up = tool == LAYOUT_DBMATE ? "-- migrate:up" : "-- +goose Up";
    if (state->walk.hidden != SIZE_MAX) {
        (void)layout_error_at(err, ERROR_DATA, state->file,
                              line_of(state->walk.text, state->walk.hidden),
                              "a marker inside a string or a comment: %s would take it for one, "
                              "SQLite would not",
                              layout_tool_name(tool));
        return error_hint(err, "write it another way, so that the line does not begin with it");
    }
    if (!state->up) {
        (void)layout_error_at(err, ERROR_DATA, state->file, 1,
                              "the line \"%s\" is missing, which every file of %s has", up,
                              layout_tool_name(tool));
        return error_hint(err,
                          "put it in front of the first statement; or, if the folder is not "
                          "one of %s, say whose it is with --layout",
                          layout_tool_name(tool));
    }
    if (state->begun)
        return fault(state, ERROR_DATA, state->begun_at, "this StatementBegin has no StatementEnd",
                     err);
    return 0;
}

int layout_sections_find(enum layout_tool tool, const char *file, const char *text, size_t size,
                         struct layout_sections *ret_sections, struct error *err)
{
    struct state state = {.file = file, .walk = walk_over(text, size)};
    for (;;) {
        struct line line = next_marker(&state.walk);
        if (line.tool == LAYOUT_DETECT)
            break;
        if (state.walk.statement && !state.up) {
            size_t at = layout_blank_length(text, size);
            (void)fault(&state, ERROR_DATA, at, "a statement before the up marker", err);
            return error_hint(err, "no direction would run it; put it behind the marker");
        }
        if (line.tool != tool) {
            (void)layout_error_at(err, ERROR_DATA, file, line_of(text, state.walk.line),
                                  "a marker of %s in a file of %s", layout_tool_name(line.tool),
                                  layout_tool_name(tool));
            return error_hint(err, "remove it, or say whose folder it is with --layout");
        }
        if (take_marker(&state, &line, err) != 0)
            return -1;
    }
    if (look_over(&state, tool, err) != 0)
        return -1;
    state.sections.end = size;
    if (!state.down)
        state.sections.down = size;
    *ret_sections = state.sections;
    return 0;
}
