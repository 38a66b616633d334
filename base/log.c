/* SPDX-License-Identifier: Apache-2.0 */
/* One line an entry, one write a line, never a byte that could forge another line. */
#include "base/log.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { MESSAGE_MAX = 2048, LINE_MAX_LEN = 2 * MESSAGE_MAX + 256 };
enum form { FORM_PLAIN, FORM_JOURNAL, FORM_JSON };

/* The one mutable global of the project; atomics, for workers log while main changes the level. */
static struct {
    _Atomic(const char *) program;
    atomic_int level;
    atomic_int form;
} sink = {.program = "godwit", .level = LOG_LEVEL_INFO, .form = FORM_PLAIN};

/* systemd sets JOURNAL_STREAM to device:inode of what it connected; stderr may be elsewhere now. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char ours[64];
    struct stat st;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    if (text_print(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino) < 0)
        return false;
    return text_equal(stream, ours);
}

void log_init(const char *program, enum log_level level, bool json)
{
    atomic_store(&sink.program, program);
    atomic_store(&sink.level, (int)level);
    atomic_store(&sink.form, json ? FORM_JSON : stderr_is_journal() ? FORM_JOURNAL : FORM_PLAIN);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "info";
}

/* message is sanitized already, so only these two need an escape. out has 2 * strlen + 1 bytes. */
static void escape_json(const char *message, char *out)
{
    for (; *message; message++) {
        if (*message == '"' || *message == '\\')
            *out++ = '\\';
        *out++ = *message;
    }
    *out = '\0';
}

static int format_json(enum log_level level, const char *message, const char *code, char *line)
{
    char escaped[2 * MESSAGE_MAX + 1];
    char now[TEXT_TIME_MAX];

    escape_json(message, escaped);
    text_time(clock_wall_ms(&clock_system), now);
    return snprintf(
        line, LINE_MAX_LEN,
        "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"message\":\"%s\"%s%s%s}\n", now,
        level_name(level), atomic_load(&sink.program), escaped, code[0] ? ",\"code\":\"" : "", code,
        code[0] ? "\"" : "");
}

static int format_line(enum log_level level, const char *message, const char *code, char *line)
{
    const char *open = code[0] ? " (" : "";
    const char *shut = code[0] ? ")" : "";

    switch ((enum form)atomic_load(&sink.form)) {
    case FORM_JSON:
        return format_json(level, message, code, line);
    case FORM_JOURNAL:
        return snprintf(line, LINE_MAX_LEN, "<%d>%s%s%s%s\n", (int)level, message, open, code,
                        shut);
    case FORM_PLAIN:
        break;
    }
    return snprintf(line, LINE_MAX_LEN, "%s %s%s%s%s\n", level_name(level), message, open, code,
                    shut);
}

/* Half a character that the cut left before the mark is emit's to replace. */
static void mark_cut(char *message)
{
    static const char mark[] = "...";

    memcpy(&message[MESSAGE_MAX - sizeof(mark)], mark, sizeof(mark));
}

static void emit(enum log_level level, char *message, const char *code)
{
    char line[LINE_MAX_LEN];
    ssize_t written;
    int len;

    text_sanitize(message);
    len = format_line(level, message, code, line);
    if (len < 0)
        return;
    /* One write, so that lines of threads and processes do not mix. Who would hear of a failure? */
    written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    va_list ap;
    int len;

    if ((int)level > atomic_load(&sink.level))
        return;
    va_start(ap, fmt);
    len = vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof(message))
        mark_cut(message);
    emit(level, message, "");
}

void log_err(enum log_level level, const struct err *err, const char *what)
{
    char message[MESSAGE_MAX];
    char code[16] = "";

    if ((int)level > atomic_load(&sink.level))
        return;
    if (snprintf(message, sizeof(message), "%s: %s", what, err->text) >= MESSAGE_MAX)
        mark_cut(message);
    snprintf(code, sizeof(code), "GW-%u", (unsigned)gw_of(err)->number);
    emit(level, message, code);
}
