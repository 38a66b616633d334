/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that data centres run. Names are those of their processes. */
#include "planner/engine/software.h"

#include "base/auto.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <ctype.h>
#include <string.h>

#include "base/banned.h"

/* clang-format off */
static const struct software rows[] = {
    {"postgres|postgresql|postmaster", "PostgreSQL", SOFTWARE_DATABASE, "a managed PostgreSQL", true, true, true, NULL},
    {"mysqld|mysql|mariadbd|mariadb", "MySQL or MariaDB", SOFTWARE_DATABASE, "a managed MySQL", true, true, true, NULL},
    {"sqlservr|mssql|sql server|microsoft sql server", "SQL Server", SOFTWARE_DATABASE, "a managed SQL Server", false, true, true, "Microsoft"},
    {"oracle|ora_pmon|tnslsnr", "Oracle Database", SOFTWARE_DATABASE, "a managed Oracle, or PostgreSQL", false, false, true, "Oracle"},
    {"db2", "Db2", SOFTWARE_DATABASE, NULL, false, false, true, "IBM"},
    {"hdbindexserver|sap", "SAP HANA", SOFTWARE_DATABASE, NULL, false, false, true, "SAP"},
    {"mongod|mongos|mongodb", "MongoDB", SOFTWARE_DATABASE, "a managed document database", true, true, true, NULL},
    {"cassandra|scylla", "Cassandra", SOFTWARE_DATABASE, "a managed wide-column database", true, true, true, NULL},
    {"clickhouse", "ClickHouse", SOFTWARE_DATABASE, "a managed data warehouse", true, true, true, NULL},
    {"influxd|influxdb", "InfluxDB", SOFTWARE_DATABASE, "a managed time series database", true, true, true, NULL},
    {"redis|valkey", "Redis", SOFTWARE_CACHE, "a managed Redis", true, true, true, NULL},
    {"memcached", "memcached", SOFTWARE_CACHE, "a managed memcached", true, true, false, NULL},
    {"varnishd|varnish", "Varnish", SOFTWARE_CACHE, "a content delivery network", true, true, false, NULL},
    {"kafka", "Kafka", SOFTWARE_QUEUE, "a managed Kafka", true, true, true, NULL},
    {"rabbitmq|beam.smp", "RabbitMQ", SOFTWARE_QUEUE, "a managed message broker", true, true, true, NULL},
    {"activemq|artemis", "ActiveMQ", SOFTWARE_QUEUE, "a managed message broker", true, true, true, NULL},
    {"amqrmppa|mqseries", "IBM MQ", SOFTWARE_QUEUE, NULL, false, true, true, "IBM"},
    {"elasticsearch|opensearch", "Elasticsearch", SOFTWARE_SEARCH, "a managed search", true, true, true, NULL},
    {"solr", "Solr", SOFTWARE_SEARCH, "a managed search", true, true, true, NULL},
    {"nginx", "nginx", SOFTWARE_WEB, NULL, true, true, false, NULL},
    {"httpd|apache2|apache", "Apache httpd", SOFTWARE_WEB, NULL, true, true, false, NULL},
    {"haproxy", "HAProxy", SOFTWARE_WEB, "a load balancer", true, true, false, NULL},
    {"traefik|envoy|caddy|lighttpd", "a web server", SOFTWARE_WEB, NULL, true, true, false, NULL},
    {"w3wp|inetinfo|iis", "IIS", SOFTWARE_WEB, NULL, false, true, false, "Microsoft"},
    {"squid", "Squid", SOFTWARE_WEB, NULL, true, true, false, NULL},
    {"java|tomcat|catalina|jetty|wildfly|jboss", "Java", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"weblogic", "WebLogic", SOFTWARE_RUNTIME, NULL, false, true, false, "Oracle"},
    {"websphere", "WebSphere", SOFTWARE_RUNTIME, NULL, false, true, false, "IBM"},
    {"php|php-fpm", "PHP", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"python|gunicorn|uwsgi|celery", "Python", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"node|nodejs|pm2", "Node.js", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"ruby|puma|unicorn|sidekiq", "Ruby", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"dotnet", ".NET", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"perl", "Perl", SOFTWARE_RUNTIME, NULL, true, true, false, NULL},
    {"msexchange|exchange|microsoft exchange", "Exchange", SOFTWARE_OFFICE, "mail as a service", false, false, true, "Microsoft"},
    {"postfix|master|exim|sendmail|dovecot", "a mail server", SOFTWARE_OFFICE, "mail as a service", true, true, true, NULL},
    {"confluence", "Confluence", SOFTWARE_OFFICE, "a wiki as a service", true, true, true, NULL},
    {"jira", "Jira", SOFTWARE_OFFICE, "tickets as a service", true, true, true, NULL},
    {"gitlab|gitea|bitbucket", "a Git server", SOFTWARE_OFFICE, "Git as a service", true, true, true, NULL},
    {"sharepoint|owstimer", "SharePoint", SOFTWARE_OFFICE, "SharePoint as a service", false, false, true, "Microsoft"},
    {"jenkins", "Jenkins", SOFTWARE_BATCH, "builds as a service", true, true, true, NULL},
    {"airflow|luigi|rundeck", "a scheduler", SOFTWARE_BATCH, "a managed scheduler", true, true, true, NULL},
    {"spark|hadoop|yarn", "Hadoop or Spark", SOFTWARE_BATCH, "a managed Spark", true, true, true, NULL},
    {"slapd|ns-slapd|389", "an LDAP directory", SOFTWARE_CORE, "a managed directory", true, true, true, NULL},
    {"ntds|lsass|adws|samba|smbd", "Active Directory or Samba", SOFTWARE_CORE, "a managed directory", false, false, true, NULL},
    {"named|unbound|dnsmasq|bind9|powerdns|pdns", "a DNS server", SOFTWARE_CORE, "managed DNS", true, true, false, NULL},
    {"ntpd|chronyd|chrony|dhcpd|kea", "time or addresses", SOFTWARE_CORE, NULL, true, true, false, NULL},
    {"nfsd|rpc.nfsd|nfs|glusterfsd|ceph", "a file server", SOFTWARE_FILES, "managed file or object storage", true, false, true, NULL},
    {"vsftpd|proftpd", "an FTP server", SOFTWARE_FILES, "managed file transfer", true, true, true, NULL},
    {"minio", "MinIO", SOFTWARE_FILES, "object storage", true, true, true, NULL},
    {"bareos|bacula|veeam|nbrmms|netbackup|commvault|dsmserv", "a backup server", SOFTWARE_BACKUP, "managed backup", false, false, true, NULL},
    {"prometheus|grafana|zabbix_server|zabbix|nagios|icinga", "monitoring", SOFTWARE_MONITOR, "managed monitoring", true, true, true, NULL},
    {"citrix|xendesktop|termsrv|rdsessionhost", "desktops", SOFTWARE_DESKTOP, "desktops as a service", false, false, true, "Microsoft or Citrix"},
    {"sshd|systemd|cron|crond|rsyslogd|node_exporter|zabbix_agent|vmtoolsd|qemu-ga|snmpd|svchost|wininit|services", "part of the system", SOFTWARE_AGENT, NULL, true, true, false, NULL},
};
/* clang-format on */

size_t software_count(void)
{
    return ARRAY_LEN(rows);
}

const struct software *software_at(size_t i)
{
    return &rows[i];
}

/* Length of the word of words that name begins with and that ends there or before no letter. */
static size_t match(const char *words, const char *name)
{
    size_t best = 0;

    for (const char *at = words; at;) {
        const char *end = strchr(at, '|');
        size_t len = end ? (size_t)(end - at) : strlen(at), n = 0;

        while (n < len && tolower((unsigned char)name[n]) == at[n])
            n++;
        if (n == len && !isalpha((unsigned char)name[n]) && len > best)
            best = len;
        at = end ? end + 1 : NULL;
    }
    return best;
}

/* "/usr/sbin/mysqld" -> "mysqld" */
static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
    const char *last = slash > back ? slash : back;

    return last ? last + 1 : name;
}

const struct software *software_find(const char *name)
{
    const struct software *best = NULL;
    size_t best_len = 0;

    name = base_name(name);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = match(rows[i].words, name);

        if (len > best_len) {
            best_len = len;
            best = &rows[i];
        }
    }
    return best;
}

bool software_runs_on_arm(const struct estate_host *h, const char **ret_why)
{
    bool any = false;

    if (h->os_family != ESTATE_LINUX) {
        *ret_why = "it is not known to run Linux";
        return false;
    }
    for (size_t i = 0; i < h->software_n; i++) {
        const struct software *s = software_find(h->software[i].name);

        if (!s || !s->arm) {
            *ret_why = h->software[i].name;
            return false;
        }
        any |= s->class != SOFTWARE_AGENT;
    }
    *ret_why = any ? "all that was recognised on it is built for Arm" : "what it runs is not known";
    return any;
}
