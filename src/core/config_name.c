// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that a configuration may hold.
 *
 * Theory of operation. A team's or switch's name and a member's interface pass the kernel's own rule first
 * (net/core/dev.c, dev_valid_name()), narrowed to printable ASCII: the kernel takes bytes that
 * are no text. A team's name passes further rules, because iovteam invents that name: it makes a
 * file, stands on command lines and under /proc/sys and /sys. An interface that exists under an
 * unlucky name may still be a member.
 */
#include "core/config_private.h"

#include "base/strings.h"

#include <ctype.h>
#include <errno.h>

#define PATH_PREFIX "pci-"

const char *config_shown(const char *text, char buffer[static CONFIG_SHOWN_SIZE])
{
	static const char more[] = "...";
	size_t length = strlen(text), room = CONFIG_SHOWN_SIZE - sizeof(more), shown;

	if (length == 0)
		return "(empty)";
	shown = length < room ? length : room;
	for (size_t i = 0; i < shown; i++)
		buffer[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	memcpy(buffer + shown, shown < length ? more : "", shown < length ? sizeof(more) : 1);
	return buffer;
}

const char *config_interface_fault(const char *name)
{
	if (!*name)
		return "an interface name is not empty";
	if (strlen(name) >= LINK_NAME_SIZE)
		return "an interface name has at most 15 bytes";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "that is a directory, not an interface name";
	if (strcmp(name, "lo") == 0)
		return "that is the loopback";
	for (const char *c = name; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return "an interface name has only printable ASCII and no space";
		if (*c == '/' || *c == ':')
			return "an interface name has no '/' and no ':'";
		/* The kernel would put a number in its place. */
		if (*c == '%')
			return "an interface name has no '%'";
	}
	return NULL;
}

/* Why iovteam does not give an interface this valid name, NULL if it does. */
static const char *invented_name_fault(const char *name)
{
	/* Under /proc/sys/net/ipv?/conf, and bonding's file in /sys/class/net. */
	static const char *const taken[] = {"all", "default", "bonding_masters"};

	if (name_lookup(taken, ARRAY_SIZE(taken), name) >= 0)
		return "the kernel uses that name for something else";
	if (*name == '-')
		return "it would read as an option";
	/* And "team0.5" would read as VLAN 5 on team0. */
	if (strchr(name, '.'))
		return "it would read as a VLAN's, and the BPF file system takes no '.'";
	if (name[strspn(name, "0123456789")] == '\0')
		return "it would read as the number of an interface";
	if (strpbrk(name, "\"'\\`$*?[]{}()<>|&;#!~="))
		return "such a name has no character that a shell or a file reads its own way";
	return NULL;
}

const char *config_name_fault(const char *name)
{
	const char *fault = config_interface_fault(name);

	return fault ? fault : invented_name_fault(name);
}

int config_name_refuse(const char *what, const char *name, const char *fault,
		       struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE];

	if (!fault)
		return 0;
	return problem_set(problem, -EINVAL, "%s cannot be named %s: %s", what,
			   config_shown(name, shown), fault);
}

int config_name_check(const char *name, struct problem *problem)
{
	return config_name_refuse("a team", name, config_name_fault(name), problem);
}

/* Of an interface in a guest's namespace, beside which its VF's may stand (H10). */
const char *config_adapter_name_fault(const char *name)
{
	size_t length = strlen(name), suffix = strlen(ADAPTER_VF_SUFFIX);

	if (length >= ADAPTER_NAME_SIZE)
		return "an adapter's name has at most 12 bytes";
	if (length > suffix && strcmp(name + length - suffix, ADAPTER_VF_SUFFIX) == 0)
		return "names that end in -vf are those of VFs";
	return config_name_fault(name);
}

/* It becomes a file's name, and stands on command lines. */
const char *config_vm_name_fault(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t length = strlen(name);

	if (length == 0 || length >= VM_NAME_SIZE)
		return "such a name has 1 to 63 bytes";
	if (name[strspn(name, allowed)])
		return "such a name has only ASCII letters, digits, '.', '_' and '-'";
	if (*name == '.' || *name == '-')
		return "such a name begins with neither '.' nor '-'";
	return NULL;
}

const char *config_path_fault(const char *path)
{
	if (*path != '/')
		return "a path begins with '/'";
	if (strlen(path) >= VM_PATH_SIZE)
		return "a socket's path has at most 107 bytes";
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c > '~')
			return "a socket's path has only printable ASCII and no space";
	return NULL;
}

/* As libvirt would refuse it, and what a file cannot hold. */
const char *config_domain_fault(const char *name)
{
	size_t length = strlen(name);

	if (length >= VM_DOMAIN_SIZE)
		return "a domain's name has at most 63 bytes";
	if (length && (name[0] == ' ' || name[length - 1] == ' '))
		return "a domain's name neither begins nor ends with a space";
	if ((length && strchr("#;", name[0])) || strstr(name, " #") || strstr(name, " ;"))
		return "a domain's name in which '#' or ';' stands as before a comment cannot be "
		       "written down";
	for (const char *c = name; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "a domain's name has no control characters";
		if (*c == '/')
			return "a domain's name has no '/'";
	}
	return NULL;
}

const char *config_mac_fault(const char *text)
{
	struct mac mac;

	if (mac_parse(text, &mac) < 0)
		return "that is not a MAC";
	if (mac_is_zero(&mac))
		return "no device has the zero MAC";
	return mac.bytes[0] & 1 ? "no device has a multicast MAC" : NULL;
}

/* The length of the hex digits at @text is @low to @high. */
static bool hex_run(const char **text, size_t low, size_t high)
{
	size_t length = strspn(*text, "0123456789abcdefABCDEF");

	*text += length;
	return length >= low && length <= high;
}

/*
 * The kernel's spelling "%04x:%02x:%02x.%d" (drivers/pci/probe.c), in which a domain may need more
 * digits than four: VMD numbers its own from 10000.
 */
static const char *path_fault(const char *address)
{
	const char *c = address;
	bool device_fits;

	if (!hex_run(&c, 4, 8) || (c - address > 4 && *address == '0') || *c++ != ':')
		return "a PCI path looks like pci-0000:3b:02.1";
	if (!hex_run(&c, 2, 2) || *c++ != ':')
		return "a PCI path looks like pci-0000:3b:02.1";
	device_fits = *c == '0' || *c == '1';
	if (!hex_run(&c, 2, 2) || *c++ != '.' || *c < '0' || *c > '7' || c[1])
		return "a PCI path looks like pci-0000:3b:02.1";
	return device_fits ? NULL : "a PCI device is 00 to 1f";
}

const char *config_device_fault(const char *device)
{
	switch (member_key_of(device)) {
	case MEMBER_BY_MAC:
		return config_mac_fault(device);
	case MEMBER_BY_PATH:
		return path_fault(device + strlen(PATH_PREFIX));
	case MEMBER_BY_NAME:
	case MEMBER_KEY_COUNT:
		break;
	}
	if (strchr(device, ':'))
		return "that is no MAC, and an interface name has no ':'";
	return config_interface_fault(device);
}

int config_device_check(const char *device, struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE];
	const char *fault = config_device_fault(device);

	if (!fault)
		return 0;
	return problem_set(problem, -EINVAL, "a member cannot be %s: %s",
			   config_shown(device, shown), fault);
}

void config_device_lower(char *device)
{
	if (member_key_of(device) == MEMBER_BY_NAME)
		return;
	for (char *c = device; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

int config_device_spell(const char *device, char *ret_spelled, struct problem *problem)
{
	int err = config_device_check(device, problem);

	if (err)
		return err;
	/* Each of the three kinds is shorter by its own rule. */
	(void)text_copy(ret_spelled, MEMBER_DEVICE_SIZE, device);
	config_device_lower(ret_spelled);
	return 0;
}
