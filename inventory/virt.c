/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtualisation from files alone, in the order of systemd-detect-virt(1): the innermost layer
 * wins, so containers come first, then what firmware says, then what the processor admits.
 */
#include "inventory/virt.h"

#include "inventory/collect.h"
#include "inventory/line.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"

#include "base/banned.h"

struct marker {
    const char *text;
    const char *type;
};

const char *virt_kind_name(enum virt_kind kind)
{
    static const char *const names[] = {
        [VIRT_NONE] = "none", [VIRT_VM] = "vm", [VIRT_CONTAINER] = "container"};

    return names[kind];
}

static bool virt_set(struct virt *v, enum virt_kind kind, const char *type)
{
    v->kind = kind;
    return text_copy(v->type, sizeof(v->type), type) == 0;
}

/* A value like container=lxc is a word of the host's choosing: only a plain name is believed. */
static bool container_named(struct virt *v, struct slice name)
{
    char text[sizeof(v->type)];

    name = line_trim(name);
    if (name.len == 0 || name.len >= sizeof(text))
        return false;
    line_copy(text, sizeof(text), name);
    return virt_set(v, VIRT_CONTAINER, text_is_name(text) ? text : "other");
}

/* Only the value of "container" leaves this function: an environment holds secrets. */
static bool container_by_environ(struct probe *p, struct virt *v)
{
    auto_buf struct buf b = {0};
    struct slice rest;

    if (probe_read(p, "/proc/1/environ", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return false;
    rest = buf_slice(&b);
    while (rest.len > 0) {
        struct slice pair = line_until(&rest, '\0');

        if (line_starts(pair, "container="))
            return container_named(v, slice_of(pair.data + 10, pair.len - 10));
    }
    return false;
}

static bool container_by_cgroup(struct probe *p, struct virt *v)
{
    static const struct marker markers[] = {
        {"/kubepods", "kubernetes"}, {"/docker/", "docker"}, {"/docker-", "docker"},
        {"/libpod", "podman"},       {"/lxc", "lxc"},        {"/machine.slice/libpod", "podman"},
    };
    auto_buf struct buf b = {0};
    struct slice text;

    if (probe_read(p, "/proc/1/cgroup", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return false;
    text = buf_slice(&b);
    for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
        if (text.len > 0 && memmem(text.data, text.len, markers[i].text, strlen(markers[i].text)))
            return virt_set(v, VIRT_CONTAINER, markers[i].type);
    }
    return false;
}

static bool container_detect(struct probe *p, struct virt *v)
{
    char text[PROBE_TEXT_MAX] = "";

    if (probe_exists(p, "/proc/vz") && !probe_exists(p, "/proc/bc"))
        return virt_set(v, VIRT_CONTAINER, "openvz");
    if (probe_text(p, text, sizeof(text), "/proc/sys/kernel/osrelease") == 0 &&
        (strstr(text, "Microsoft") || strstr(text, "WSL")))
        return virt_set(v, VIRT_CONTAINER, "wsl");
    if (container_by_environ(p, v))
        return true;
    if (probe_text(p, text, sizeof(text), "/run/systemd/container") == 0 &&
        container_named(v, slice_str(text)))
        return true;
    if (probe_exists(p, "/run/.containerenv"))
        return virt_set(v, VIRT_CONTAINER, "podman");
    if (probe_exists(p, "/.dockerenv"))
        return virt_set(v, VIRT_CONTAINER, "docker");
    return container_by_cgroup(p, v);
}

/* Does the processor say that a hypervisor is below? Only x86 can. */
static bool cpu_admits(struct probe *p, bool *ret_is_x86)
{
    auto_buf struct buf b = {0};
    struct slice rest;
    struct slice line;
    struct slice flags;
    struct slice word;

    *ret_is_x86 = false;
    if (probe_read(p, "/proc/cpuinfo", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return false;
    rest = buf_slice(&b);
    while (line_next(&rest, &line)) {
        if (!line_value(line, "flags", ':', &flags))
            continue;
        *ret_is_x86 = true;
        while (line_word(&flags, &word)) {
            if (line_is(word, "hypervisor"))
                return true;
        }
        return false;
    }
    return false;
}

/* Firmware of clouds names the cloud on their bare metal too: believed only beside the CPU's bit.
 */
static bool is_cloud_vendor(const char *type)
{
    return text_equal(type, "amazon") || text_equal(type, "alibaba") || text_equal(type, "google");
}

static const char *type_by_dmi(struct probe *p)
{
    static const struct marker markers[] = {
        {"Amazon EC2", "amazon"},
        {"Alibaba Cloud", "alibaba"},
        {"Google", "google"},
        {"VMware", "vmware"},
        {"VMW", "vmware"},
        {"innotek GmbH", "virtualbox"},
        {"VirtualBox", "virtualbox"},
        {"Xen", "xen"},
        {"OpenStack", "kvm"},
        {"KVM", "kvm"},
        {"QEMU", "qemu"},
        {"Bochs", "bochs"},
        {"Parallels", "parallels"},
        {"BHYVE", "bhyve"},
        {"Nutanix AHV", "ahv"},
        {"Virtual Machine", "hyperv"},
        {"Apple Virtualization", "apple"},
    };
    static const char *const files[] = {"product_name", "sys_vendor", "board_vendor", "bios_vendor",
                                        "product_version"};
    char text[PROBE_TEXT_MAX];

    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        if (probe_text(p, text, sizeof(text), "/sys/class/dmi/id/%s", files[f]) < 0)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
            if (text_starts(text, markers[i].text))
                return markers[i].type;
        }
    }
    return NULL;
}

static bool vm_detect(struct probe *p, struct virt *v)
{
    bool is_x86 = false;
    bool admits = cpu_admits(p, &is_x86);
    const char *type = type_by_dmi(p);
    char text[PROBE_TEXT_MAX] = "";

    if (type && is_x86 && !admits && is_cloud_vendor(type))
        type = NULL;
    /* QEMU as firmware says with whom it shares the work only through the CPU's bit. */
    if (type && text_equal(type, "qemu") && admits)
        type = "kvm";
    if (type)
        return virt_set(v, VIRT_VM, type);
    if (probe_text(p, text, sizeof(text), "/sys/hypervisor/type") == 0 && text_equal(text, "xen"))
        return virt_set(v, VIRT_VM, "xen");
    if (probe_text(p, text, sizeof(text), "/proc/device-tree/hypervisor/compatible") == 0)
        return virt_set(v, VIRT_VM, strstr(text, "kvm") ? "kvm" : "other");
    return admits && virt_set(v, VIRT_VM, "other");
}

void virt_detect(struct probe *p, struct virt *ret)
{
    *ret = (struct virt){.kind = VIRT_NONE};
    if (!container_detect(p, ret))
        (void)vm_detect(p, ret);
}
