/* SPDX-License-Identifier: Apache-2.0 */
/* The rates, their defaults and where those are from. */
#include "planner/engine/cost_rates.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include "base/banned.h"

const struct cost_head_row cost_heads[COST_HEADS] = {
    [COST_HARDWARE] =
        {"hardware", "machines, written off over their life",
         "(server_base + cores x server_per_core + GiB x server_per_gib + GPUs x server_per_gpu) / "
         "server_life_months, from bought_on to its end, then from refresh_on"},
    [COST_MAINTENANCE] = {"maintenance", "contracts for machines",
                          "price x maintenance_percent / 12"},
    [COST_POWER] = {"power", "power, and the cooling that goes with it",
                    "watts, else watts_base + cores x watts_per_core + GPUs x watts_per_gpu, x 730 "
                    "h x pue x kwh"},
    [COST_SPACE] =
        {"space", "racks; one saves when it is empty",
         "rack by month until it is empty, by cores; unknown racks: rack / hosts_per_rack"},
    [COST_LINE] = {"line", "the data centre's own lines, until the last host is gone",
                   "idc_line until the last host is gone, by cores"},
    [COST_LICENCES] = {"licences", "operating systems and hypervisors",
                       "hypervisors: cores x hypervisor_core; Windows: cores x windows_core; in "
                       "the cloud vCPUs x hours x windows_vcpu_hour"},
    [COST_PEOPLE] = {"people", "those who look after machines",
                     "admin / idc_hosts_per_admin by server; in the cloud admin / "
                     "cloud_hosts_per_admin by machine"},
    [COST_DISKS] = {"disks", "storage in the data centre", "GiB used x idc_disk"},
    [COST_COMPUTE] = {"compute", "shapes, as their load lets them be bought",
                      "the shape's price x 730 h (x hours a week / 168), as prices fall; reserved: "
                      "as they were when the term began"},
    [COST_BLOCK] = {"block", "disks in the cloud",
                    "GiB used x disk_headroom x the catalogue's block price, else block"},
    [COST_EGRESS] = {"egress", "traffic to the outside",
                     "GiB out by the catalogue's tiers, else egress; where talks were not seen: "
                     "egress_share of the traffic"},
    [COST_SUPPORT] = {"support", "the provider's support, by its bill",
                      "support_percent of compute, block and egress"},
    [COST_EFFORT] =
        {"effort", "days of work to move",
         "day x (days_per_host by host + days_per_workload by workload), and programme by month"},
    [COST_LINK] = {"link", "the line between both sides, while anything moves",
                   "link by month from the first seed to the last host gone, by cores"},
    [COST_VAULT] =
        {"vault", "object storage of what is replicated",
         "GiB used x the catalogue's object price, else object, from seed until the host is gone"},
    [COST_LANDING] = {"landing", "disks and machines of the landing side before the cutover",
                      "landing_share of compute, and block, for dual_months before the cutover"},
    [COST_DECOMMISSION] = {"decommission", "taking machines away",
                           "decommission by server, when it is empty"},
    [COST_WRITE_OFF] =
        {"write_off", "what is left of machines that go before their time",
         "price / server_life_months x the months of life that are left when it is empty"},
};

/* An amount of money has no default in another currency than the defaults'. */
static const struct {
    const char *key, *unit;
    double dflt, min, max;
    bool money;
    const char *source;
} rows[COST_RATES] = {
    [RATE_SERVER_BASE] = {"server_base", "a server", 3000, 0, 1e7, true,
                          "assumption: chassis, board, power supplies of a two-socket server"},
    [RATE_SERVER_PER_CORE] = {"server_per_core", "a core", 110, 0, 1e6, true,
                              "assumption: list prices of server processors by core"},
    [RATE_SERVER_PER_GIB] = {"server_per_gib", "a GiB of memory", 6, 0, 1e6, true,
                             "assumption: registered DDR5"},
    [RATE_SERVER_PER_GPU] = {"server_per_gpu", "a GPU", 10000, 0, 1e6, true,
                             "assumption: accelerators for data centres cost 5,000 to 30,000"},
    [RATE_SERVER_LIFE] = {"server_life_months", "months", 60, 1, 240, false,
                          "assumption: five years, a usual time of depreciation"},
    [RATE_OVERCOMMIT] = {"vcpus_per_core", "virtual cores a core", 4, 1, 64, false,
                         "assumption, for virtual machines whose host is not known"},
    [RATE_SERVER_CORES] = {"cores_per_server", "cores", 32, 1, 1024, false,
                           "assumption, for virtual machines whose host is not known"},
    [RATE_MAINTENANCE] = {"maintenance_percent", "% of the price a year", 10, 0, 100, false,
                          "assumption: vendors ask 8 to 15"},
    [RATE_KWH] = {"kwh", "a kWh", 0.14, 0, 100, true,
                  "assumption: replace it with the contract's price"},
    [RATE_PUE] = {"pue", "power of the room by power of machines", 1.58, 1, 5, false,
                  "Uptime Institute, Global Data Center Survey 2023: the average"},
    [RATE_WATTS_BASE] = {"watts_base", "W a server", 110, 0, 1e5, false,
                         "assumption, where nobody measured"},
    [RATE_WATTS_PER_CORE] = {"watts_per_core", "W a core", 6, 0, 1e4, false,
                             "assumption, where nobody measured"},
    [RATE_WATTS_PER_GPU] = {"watts_per_gpu", "W a GPU", 300, 0, 1e4, false,
                            "assumption, where nobody measured"},
    [RATE_RACK] = {"rack", "a rack and month", 900, 0, 1e6, true,
                   "assumption: replace it with the contract's price"},
    [RATE_RACK_HOSTS] = {"hosts_per_rack", "servers a rack", 16, 1, 200, false,
                         "assumption, for hosts whose rack is not known"},
    [RATE_IDC_LINE] = {"idc_line", "a month", 2500, 0, 1e8, true,
                       "assumption: lines of the data centre to the outside"},
    [RATE_WINDOWS_CORE] = {"windows_core", "a core and month", 8, 0, 1e4, true,
                           "assumption: a perpetual licence by core, over its life"},
    [RATE_HYPERVISOR_CORE] = {"hypervisor_core", "a core and month", 12, 0, 1e4, true,
                              "assumption: replace it with the contract's price"},
    [RATE_WINDOWS_VCPU_HOUR] = {"windows_vcpu_hour", "a vCPU and hour", 0.046, 0, 100, true,
                                "AWS's list: shapes with Windows less the same with Linux"},
    [RATE_ADMIN] = {"admin", "a person and month", 8000, 0, 1e6, true,
                    "assumption: full cost of an administrator"},
    [RATE_IDC_HOSTS_PER_ADMIN] = {"idc_hosts_per_admin", "servers a person", 120, 1, 1e5, false,
                                  "assumption"},
    [RATE_CLOUD_HOSTS_PER_ADMIN] = {"cloud_hosts_per_admin", "machines a person", 400, 1, 1e5,
                                    false, "assumption: no hardware to look after"},
    [RATE_IDC_DISK] = {"idc_disk", "a GiB and month", 0.02, 0, 100, true,
                       "assumption: arrays and their backup, by what is used"},
    [RATE_DISK_HEADROOM] = {"disk_headroom", "times what is used", 1.25, 1, 10, false,
                            "assumption: disks in the cloud grow while they run"},
    [RATE_BLOCK] = {"block", "a GiB and month", 0.08, 0, 100, true,
                    "AWS gp3, us-east-1; used when the catalogue has none"},
    [RATE_OBJECT] = {"object", "a GiB and month", 0.023, 0, 100, true,
                     "AWS S3 Standard, us-east-1; used when the catalogue has none"},
    [RATE_EGRESS] = {"egress", "a GiB", 0.09, 0, 100, true,
                     "AWS, first tier; used when the catalogue has none"},
    [RATE_EGRESS_SHARE] = {"egress_share", "of a host's traffic", 0.1, 0, 1, false,
                           "assumption, for hosts whose talks to the outside were not observed"},
    [RATE_SUPPORT] = {"support_percent", "% of the provider's bill", 5, 0, 100, false,
                      "assumption: AWS Business asks 10 of small bills, 3 of large ones"},
    [RATE_COMMIT_YEARS] = {"commit_years", "years", 1, 0, 3, false,
                           "policy: the longest one binds oneself; 0, 1 or 3"},
    [RATE_ELASTIC] = {"elastic", "0 or 1", 0, 0, 1, false,
                      "policy: may spot machines carry the peaks of what scales?"},
    [RATE_DAY] = {"day", "a day of work", 600, 0, 1e5, true, "assumption"},
    [RATE_DAYS_PER_HOST] = {"days_per_host", "days", 1.5, 0, 1000, false,
                            "assumption: rehosting, tests and cutover in"},
    [RATE_DAYS_PER_WORKLOAD] = {"days_per_workload", "days", 5, 0, 1000, false,
                                "assumption: owners, rehearsal, acceptance"},
    [RATE_PROGRAMME] = {"programme", "a month while moving", 0, 0, 1e8, true,
                        "nothing unless said: those who lead the move"},
    [RATE_LINK] = {"link", "a month while moving", 500, 0, 1e8, true,
                   "assumption: a dedicated line of 1 Gbit/s"},
    [RATE_LANDING] = {"landing_share", "of the compute while both sides run", 0.2, 0, 1, false,
                      "assumption: a landing host follows, tests start it now and then"},
    [RATE_DUAL_MONTHS] = {"dual_months", "months", 1, 0, 24, false,
                          "assumption: seed and rehearsal before the cutover"},
    [RATE_KEEP_MONTHS] = {"keep_months", "months", 1, 0, 24, false,
                          "assumption: the way back stays open after the cutover"},
    [RATE_BEGIN_MONTH] = {"begin_month", "months after the start", 3, 0, 120, false,
                          "policy, where there is no plan: the first cutover"},
    [RATE_MOVE_MONTHS] = {"move_months", "months", 12, 1, 120, false,
                          "policy, where there is no plan: from the first cutover to the last"},
    [RATE_DECOMMISSION] = {"decommission", "a server", 120, 0, 1e6, true,
                           "assumption: erase, take out, dispose of"},
    [RATE_PRICES_FALL] = {"prices_fall_percent", "% a year", 0, -50, 50, false,
                          "nothing unless said; the scenarios show more"},
    [RATE_MONTHS] = {"months", "months", 60, 1, COST_MONTHS_MAX, false, "policy: five years"},
};

/* value * 10^6, to the nearest. */
static int64_t scaled(double value)
{
    return (int64_t)(value < 0 ? value * 1e6 - 0.5 : value * 1e6 + 0.5);
}

void cost_rates_default(struct cost_rates *ret)
{
    *ret = (struct cost_rates){.currency = "USD", .scenarios_n = 3};
    for (size_t i = 0; i < COST_RATES; i++) {
        ret->value[i].micros = scaled(rows[i].dflt);
        (void)text_copy(ret->value[i].source, COST_TEXT_MAX, rows[i].source);
    }
    ret->scenarios[1] = scaled(5);
    ret->scenarios[2] = scaled(10);
}

uint64_t cost_rate_count(const struct cost_rates *r, enum cost_rate rate)
{
    return r->value[rate].micros < 0 ? 0 : (uint64_t)r->value[rate].micros / 1000000;
}

/* -- reading ----------------------------------------------------------------------------- */

struct reading {
    struct cost_rates *r;
    struct err *err;
};

static int bad(struct err *err, const char *key, const char *why)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "rates, %.64s: %s", key, why);
}

/* {"value": 0.21, "source": "contract of 2026"} */
static int read_rate(void *arg, const char *key, const struct js *v)
{
    struct reading *in = arg;
    const char *source = js_str(v, "source", "");
    struct cost_value *to;
    double value;
    size_t i = 0;

    while (i < COST_RATES && !text_equal(rows[i].key, key))
        i++;
    if (i == COST_RATES)
        return bad(in->err, key, "there is no such rate (godwit cost rates lists them)");
    if (js_get_f64(v, "value", &value, NULL) < 0 || !(value >= rows[i].min && value <= rows[i].max))
        return bad(in->err, key, "its value is not there, or out of range");
    to = &in->r->value[i];
    if (!*source || text_copy(to->source, COST_TEXT_MAX, source) < 0)
        return bad(in->err, key, "where is it from? \"source\" has 1 to 199 bytes");
    to->micros = scaled(value);
    to->given = true;
    return 0;
}

/* "space": "the building is ours" */
static int read_off(void *arg, const char *key, const struct js *v)
{
    struct reading *in = arg;
    size_t i = 0;

    while (i < COST_HEADS && !text_equal(cost_heads[i].key, key))
        i++;
    if (i == COST_HEADS)
        return bad(in->err, key, "there is no such head");
    if (!*js_as_str(v, "") || text_copy(in->r->off_why[i], COST_TEXT_MAX, js_as_str(v, "")) < 0)
        return bad(in->err, key, "a head is switched off with a reason");
    in->r->off[i] = true;
    return 0;
}

static int read_exchange(const struct js *v, struct cost_rates *r, struct err *err)
{
    double rate;

    if (!v)
        return 0;
    if (text_copy(r->exchange_from, sizeof(r->exchange_from), js_str(v, "from", "")) < 0 ||
        strlen(r->exchange_from) != 3 || js_get_f64(v, "rate", &rate, NULL) < 0 ||
        !(rate > 1e-6 && rate < 1e6))
        return bad(err, "exchange", "it has from (USD), rate (what one of it is worth) and source");
    if (!*js_str(v, "source", "") ||
        text_copy(r->exchange_source, COST_TEXT_MAX, js_str(v, "source", "")) < 0)
        return bad(err, "exchange", "where is it from?");
    r->exchange = scaled(rate);
    return 0;
}

static int read_scenarios(const struct js *v, struct cost_rates *r, struct err *err)
{
    if (!v)
        return 0;
    if (js_len(v) > COST_SCENARIOS_MAX)
        return bad(err, "scenarios", "there are too many");
    r->scenarios_n = js_len(v);
    for (size_t i = 0; i < r->scenarios_n; i++) {
        double percent = js_as_f64(js_at(v, i), 100);

        if (!(percent >= -50 && percent <= 50))
            return bad(err, "scenarios", "each is percent a year, -50 to 50");
        r->scenarios[i] = scaled(percent);
    }
    return 0;
}

/* A dollar is not a yuan: what has no value in the document's own currency is asked for. */
static int check_currency(const struct cost_rates *r, struct err *err)
{
    if (text_equal(r->currency, "USD"))
        return 0;
    for (size_t i = 0; i < COST_RATES; i++) {
        if (rows[i].money && rows[i].dflt > 0 && !r->value[i].given)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                              "rates in %s: '%s' has no value but the default in USD", r->currency,
                              rows[i].key);
    }
    return 0;
}

static int check_members(void *arg, const char *key, const struct js *v)
{
    static const char *const known[] = {"schema",   "currency",  "rates", "off",
                                        "exchange", "scenarios", "note"};
    struct reading *in = arg;

    (void)v;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (text_equal(known[i], key))
            return 0;
    }
    return bad(in->err, key, "there is no such member");
}

int cost_rates_read(const struct js *doc, struct cost_rates *ret, struct err *err)
{
    struct cost_rates r;
    struct reading in = {.r = &r, .err = err};
    int rc = 0;

    cost_rates_default(&r);
    if (!doc) {
        *ret = r;
        return 0;
    }
    rc = js_check_schema(doc, "godwit.rates/1", err);
    if (rc == 0)
        rc = js_each(doc, check_members, &in);
    if (rc == 0 && (text_copy(r.currency, sizeof(r.currency), js_str(doc, "currency", "USD")) < 0 ||
                    strlen(r.currency) != 3))
        rc = bad(err, "currency", "it has three letters");
    if (rc == 0)
        rc = js_each(js_member(doc, "rates"), read_rate, &in);
    if (rc == 0)
        rc = js_each(js_member(doc, "off"), read_off, &in);
    if (rc == 0)
        rc = read_exchange(js_member(doc, "exchange"), &r, err);
    if (rc == 0)
        rc = read_scenarios(js_member(doc, "scenarios"), &r, err);
    if (rc == 0)
        rc = check_currency(&r, err);
    if (rc == 0)
        *ret = r;
    return rc;
}

/* -- writing ----------------------------------------------------------------------------- */

void cost_rates_list(const struct cost_rates *r, struct jsw *w)
{
    for (size_t i = 0; i < COST_RATES; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "rate", rows[i].key);
        jsw_f64(w, "value", (double)r->value[i].micros / 1e6);
        jsw_str(w, "unit", rows[i].unit);
        jsw_bool(w, "money", rows[i].money);
        jsw_bool(w, "given", r->value[i].given);
        jsw_str(w, "source", r->value[i].source);
        jsw_end(w);
    }
}

int cost_rates_write(const struct cost_rates *r, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = jsw_new(&w, err);

    if (rc < 0)
        return rc;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.rates/1");
    jsw_str(w, "currency", r->currency);
    jsw_obj(w, "rates");
    for (size_t i = 0; i < COST_RATES; i++) {
        jsw_obj(w, rows[i].key);
        jsw_f64(w, "value", (double)r->value[i].micros / 1e6);
        jsw_str(w, "source", r->value[i].source);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_obj(w, "off");
    for (size_t i = 0; i < COST_HEADS; i++) {
        if (r->off[i])
            jsw_str(w, cost_heads[i].key, r->off_why[i]);
    }
    jsw_end(w);
    jsw_arr(w, "scenarios");
    for (size_t i = 0; i < r->scenarios_n; i++)
        jsw_f64(w, NULL, (double)r->scenarios[i] / 1e6);
    jsw_end(w);
    if (r->exchange) {
        jsw_obj(w, "exchange");
        jsw_str(w, "from", r->exchange_from);
        jsw_f64(w, "rate", (double)r->exchange / 1e6);
        jsw_str(w, "source", r->exchange_source);
        jsw_end(w);
    }
    jsw_end(w);
    return jsw_take(w, ret, err);
}
