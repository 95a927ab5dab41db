// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that a configuration may hold.
 *
 * Theory of operation. A team's name and a member's interface pass the kernel's own rule first
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

/* Why @name is not the name of an interface, NULL if it is. */
static const char *interface_name_fault(const char *name)
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
static const char *team_name_fault(const char *name)
{
	/* Under /proc/sys/net/ipv?/conf, and bonding's file in /sys/class/net. */
	static const char *const taken[] = {"all", "default", "bonding_masters"};

	if (name_lookup(taken, ARRAY_SIZE(taken), name) >= 0)
		return "the kernel uses that name for something else";
	if (*name == '-')
		return "it would read as an option";
	/* And "team0.5" would read as VLAN 5 on team0. */
	if (strchr(name, '.'))
		return "the BPF file system, where a team is pinned, takes no '.'";
	if (name[strspn(name, "0123456789")] == '\0')
		return "it would read as the number of an interface";
	if (strpbrk(name, "\"'\\`$*?[]{}()<>|&;#!~="))
		return "a team's name has no character that a shell or a file reads its own way";
	return NULL;
}

int config_name_check(const char *name, struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE];
	const char *fault = interface_name_fault(name);

	if (!fault)
		fault = team_name_fault(name);
	if (!fault)
		return 0;
	return problem_set(problem, -EINVAL, "a team cannot be named %s: %s",
			   config_shown(name, shown), fault);
}

static const char *mac_fault(const char *text)
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

static const char *device_fault(const char *device)
{
	switch (member_key_of(device)) {
	case MEMBER_BY_MAC:
		return mac_fault(device);
	case MEMBER_BY_PATH:
		return path_fault(device + strlen(PATH_PREFIX));
	case MEMBER_BY_NAME:
	case MEMBER_KEY_COUNT:
		break;
	}
	if (strchr(device, ':'))
		return "that is no MAC, and an interface name has no ':'";
	return interface_name_fault(device);
}

int config_device_check(const char *device, struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE];
	const char *fault = device_fault(device);

	if (!fault)
		return 0;
	return problem_set(problem, -EINVAL, "a member cannot be %s: %s",
			   config_shown(device, shown), fault);
}

int config_device_spell(const char *device, char ret_spelled[static MEMBER_DEVICE_SIZE],
			struct problem *problem)
{
	int err = config_device_check(device, problem);

	if (err)
		return err;
	/* Each of the three kinds is shorter by its own rule. */
	(void)text_copy(ret_spelled, MEMBER_DEVICE_SIZE, device);
	if (member_key_of(device) != MEMBER_BY_NAME)
		for (char *c = ret_spelled; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return 0;
}
