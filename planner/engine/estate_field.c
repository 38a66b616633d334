/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a host that have one value, by name: how texts become values and back. */
#include "planner/engine/estate_priv.h"

#include "base/num.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#include "base/banned.h"

enum form { FORM_TEXT, FORM_NUMBER, FORM_DATE, FORM_WORD };

/* A word that sources use, and what it means. The first with a value is how we write it. */
struct word {
    const char *text;
    unsigned value;
};

static const struct word families[] = {
    {"linux", ESTATE_LINUX},
    {"windows", ESTATE_WINDOWS},
    {"unix", ESTATE_UNIX},
    {"other", ESTATE_OS_OTHER},
    {0},
};
static const struct word archs[] = {
    {"x86_64", ESTATE_X86_64}, {"x86", ESTATE_X86},       {"arm64", ESTATE_ARM64},
    {"ppc64", ESTATE_PPC64},   {"s390x", ESTATE_S390X},   {"other", ESTATE_ARCH_OTHER},
    {"x86-64", ESTATE_X86_64}, {"amd64", ESTATE_X86_64},  {"x64", ESTATE_X86_64},
    {"64-bit", ESTATE_X86_64}, {"64", ESTATE_X86_64},     {"i386", ESTATE_X86},
    {"i686", ESTATE_X86},      {"32-bit", ESTATE_X86},    {"32", ESTATE_X86},
    {"aarch64", ESTATE_ARM64}, {"ppc64le", ESTATE_PPC64}, {0},
};
static const struct word kinds[] = {
    {"physical", ESTATE_PHYSICAL},     {"virtual", ESTATE_VIRTUAL},
    {"hypervisor", ESTATE_HYPERVISOR}, {"vm", ESTATE_VIRTUAL},
    {"baremetal", ESTATE_PHYSICAL},    {0},
};
static const struct word powers[] = {
    {"on", ESTATE_ON},
    {"off", ESTATE_OFF},
    {"suspended", ESTATE_SUSPENDED},
    {"poweredon", ESTATE_ON},
    {"poweredoff", ESTATE_OFF},
    {"running", ESTATE_ON},
    {"stopped", ESTATE_OFF},
    {0},
};

static const struct field {
    const char *key;
    enum form form;
    size_t at;
    const struct word *words;
} fields[ESTATE_FIELDS] = {
#define AT(member) offsetof(struct estate_host, member)
    [ESTATE_ID] = {"id", FORM_TEXT, AT(id), NULL},
    [ESTATE_OS_FAMILY] = {"os_family", FORM_WORD, AT(os_family), families},
    [ESTATE_OS_NAME] = {"os_name", FORM_TEXT, AT(os_name), NULL},
    [ESTATE_OS_VERSION] = {"os_version", FORM_TEXT, AT(os_version), NULL},
    [ESTATE_ARCH] = {"arch", FORM_WORD, AT(arch), archs},
    [ESTATE_KIND] = {"kind", FORM_WORD, AT(kind), kinds},
    [ESTATE_POWER] = {"power", FORM_WORD, AT(power), powers},
    [ESTATE_RUNS_ON] = {"runs_on", FORM_TEXT, AT(runs_on), NULL},
    [ESTATE_SITE] = {"site", FORM_TEXT, AT(site), NULL},
    [ESTATE_CLUSTER] = {"cluster", FORM_TEXT, AT(cluster), NULL},
    [ESTATE_POOL] = {"pool", FORM_TEXT, AT(pool), NULL},
    [ESTATE_RACK] = {"rack", FORM_TEXT, AT(rack), NULL},
    [ESTATE_VENDOR] = {"vendor", FORM_TEXT, AT(vendor), NULL},
    [ESTATE_MODEL] = {"model", FORM_TEXT, AT(model), NULL},
    [ESTATE_CPU_MODEL] = {"cpu_model", FORM_TEXT, AT(cpu_model), NULL},
    [ESTATE_CPU_MHZ] = {"cpu_mhz", FORM_NUMBER, AT(cpu_mhz), NULL},
    [ESTATE_CORES] = {"cores", FORM_NUMBER, AT(cores), NULL},
    [ESTATE_MEMORY_BYTES] = {"memory_bytes", FORM_NUMBER, AT(memory_bytes), NULL},
    [ESTATE_GPUS] = {"gpus", FORM_NUMBER, AT(gpus), NULL},
    [ESTATE_WATTS] = {"watts", FORM_NUMBER, AT(watts), NULL},
    [ESTATE_BOUGHT_ON] = {"bought_on", FORM_DATE, AT(bought_on), NULL},
    [ESTATE_REFRESH_ON] = {"refresh_on", FORM_DATE, AT(refresh_on), NULL},
    [ESTATE_BOOT] = {"boot", FORM_TEXT, AT(boot), NULL},
    [ESTATE_WORKLOAD] = {"workload", FORM_TEXT, AT(workload), NULL},
    [ESTATE_OWNER] = {"owner", FORM_TEXT, AT(owner), NULL},
    [ESTATE_OBSERVED] = {"observed_permille", FORM_NUMBER, AT(observed_permille), NULL},
#undef AT
};

const char *estate_field_key(enum estate_field field)
{
    return fields[field].key;
}

bool estate_field_is_number(enum estate_field field)
{
    return fields[field].form == FORM_NUMBER;
}

bool estate_field_find(const char *key, enum estate_field *ret)
{
    for (size_t f = 0; f < ESTATE_FIELDS; f++) {
        if (text_equal(fields[f].key, key)) {
            *ret = (enum estate_field)f;
            return true;
        }
    }
    return false;
}

/* -- values of texts ------------------------------------------------------------------------- */

static void *member(struct estate_host *h, enum estate_field field)
{
    return (char *)h + fields[field].at;
}

static const void *member_of(const struct estate_host *h, enum estate_field field)
{
    return (const char *)h + fields[field].at;
}

/* Case and blanks make no other word. */
static bool same_word(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*b == ' ' || *b == '_')
            b++;
        while (*a == '_')
            a++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month < 1 || month > ARRAY_LEN(days))
        return 0;
    return days[month - 1] + (month == 2 && leap);
}

/* The number of two digits. */
static unsigned two(const char *text)
{
    return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

static bool is_date(const char *text)
{
    static const char shape[] = "dddd-dd-dd";

    for (size_t i = 0; shape[i]; i++) {
        if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != '-')
            return false;
    }
    return text[sizeof(shape) - 1] == '\0' && two(text + 8) >= 1 &&
           two(text + 8) <= days_of(two(text) * 100 + two(text + 2), two(text + 5));
}

static const char *set_word(struct estate_host *h, enum estate_field field, const char *text)
{
    for (const struct word *w = fields[field].words; w->text; w++) {
        if (same_word(w->text, text)) {
            *(unsigned *)member(h, field) = w->value;
            return NULL;
        }
    }
    return "not a word that is known here";
}

static const char *set_number(struct estate_host *h, enum estate_field field, const char *text)
{
    uint64_t value;

    if (num_parse_u64(text, 0, INT64_MAX, &value, NULL) < 0)
        return "not a whole number";
    *(uint64_t *)member(h, field) = value;
    return NULL;
}

static const char *set_value(struct estate_host *h, enum estate_field field, const char *text)
{
    if (fields[field].form == FORM_WORD)
        return set_word(h, field, text);
    if (fields[field].form == FORM_NUMBER)
        return set_number(h, field, text);
    if (fields[field].form == FORM_DATE && !is_date(text))
        return "not a date like 2024-10-31";
    *(const char **)member(h, field) = text;
    return NULL;
}

const char *estate_set(struct estate *e, struct estate_host *h, enum estate_field field,
                       const char *text, struct estate_source source)
{
    const char *kept = estate_text(e, text), *why;

    if (!*kept)
        return NULL;
    why = set_value(h, field, kept);
    if (why)
        return why;
    /* A number that is 0 is not known, wherever it was read. */
    if (fields[field].form == FORM_NUMBER && estate_field_number(h, field) == 0)
        memset(&h->source[field], 0, sizeof(h->source[field]));
    else
        h->source[field] = source;
    return NULL;
}

void estate_set_u64(struct estate_host *h, enum estate_field field, uint64_t value,
                    struct estate_source source)
{
    if (value == 0 || fields[field].form != FORM_NUMBER)
        return;
    *(uint64_t *)member(h, field) = value;
    h->source[field] = source;
}

/* -- texts of values ------------------------------------------------------------------------- */

static const char *word_of(const struct word *words, unsigned value)
{
    for (; words->text; words++) {
        if (words->value == value)
            return words->text;
    }
    return "";
}

const char *estate_field_get(const struct estate_host *h, enum estate_field field, char *out)
{
    const void *at = member_of(h, field);
    uint64_t value;

    if (fields[field].form == FORM_WORD)
        return word_of(fields[field].words, *(const unsigned *)at);
    if (fields[field].form != FORM_NUMBER)
        return *(const char *const *)at;
    value = *(const uint64_t *)at;
    if (value == 0)
        return "";
    (void)text_print(out, ESTATE_TEXT_MAX, "%llu", (unsigned long long)value);
    return out;
}

uint64_t estate_field_number(const struct estate_host *h, enum estate_field field)
{
    return fields[field].form == FORM_NUMBER ? *(const uint64_t *)member_of(h, field) : 0;
}

static const char *const levels[] = {
    [ESTATE_DEVICE] = "", [ESTATE_PARTITION] = "partition", [ESTATE_TOTAL] = "total"};

const char *estate_level_key(unsigned level)
{
    return levels[level];
}

bool estate_level_find(const char *key, unsigned *ret)
{
    for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
        if (text_equal(levels[i], key)) {
            *ret = i;
            return true;
        }
    }
    return false;
}
