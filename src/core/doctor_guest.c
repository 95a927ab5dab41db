// SPDX-License-Identifier: GPL-2.0-or-later
/* What would make a team's failover fail, as its own machine can see it. */
#include "core/doctor_private.h"

#include "base/strings.h"
#include "core/admit.h"
#include "core/adopt.h"
#include "core/quirk.h"
#include "core/upper.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <string.h>

#define SCOPE_LINK 253 /* RT_SCOPE_LINK: addresses that the kernel makes by itself */

/*
 * Would it carry the team if it were the last? A standby and a drained member would, and one that
 * is held is used at once then (T11); one that is refused the team's MAC is not reached.
 */
static bool takes_over(const struct doctor_member *member)
{
	return (member->state != MEMBER_FAILED && member->reason != REASON_MAC_NOT_PERMITTED) ||
	       member->reason == REASON_WAITING_FOR_STABLE;
}

/* "ens4 (media-disconnected), ens5 (not-present)": all members, or those that do not take over. */
static void say_members(const struct doctor_team *team, bool all, char *text)
{
	const char *comma = "";

	for (uint32_t i = 0; i < team->config->member_count; i++) {
		const struct doctor_member *member = &team->members[i];

		if (!all && takes_over(member))
			continue;
		finding_say(text, "%s%s (%s)", comma, member->name,
			    member_reason_names[member->reason]);
		comma = ", ";
	}
}

/* --- the team --- */

static void team_down(struct doctor *doctor, const struct doctor_team *team)
{
	const char *name = team->config->name;
	struct finding *found;

	if (team->state != TEAM_DOWN)
		return;
	found = doctor_find(doctor, name);
	finding_say(found->what, "no member of %s is usable: it carries nothing", name);
	if (!team->bond)
		finding_say(found->evidence, "there is no interface %s%s%s", name,
			    *team->trouble ? ": " : "", team->trouble);
	else if (!team->config->member_count)
		finding_say(found->evidence, "%s has no members", name);
	else
		say_members(team, true, found->evidence);
	finding_say(found->mend,
		    "iovteam member show %s tells of each member, and iovteam plan what is "
		    "still to be done",
		    name);
}

static void single_member(struct doctor *doctor, const struct doctor_team *team)
{
	const char *name = team->config->name;
	struct finding *found;

	if (team->config->member_count != 1)
		return;
	found = doctor_find(doctor, name);
	finding_say(found->what, "nothing takes over when %s is lost", team->members[0].name);
	finding_say(found->evidence, "%s is the only member of %s", team->members[0].name, name);
	if (team->config->adopt)
		finding_say(found->mend, "add a slave to %s with what has made it", name);
	else
		finding_say(found->mend, "iovteam member add %s DEV", name);
}

static void single_usable(struct doctor *doctor, const struct doctor_team *team)
{
	const struct doctor_member *last = NULL;
	const char *name = team->config->name;
	struct finding *found;

	if (team->config->member_count < 2 || team->state == TEAM_DOWN)
		return;
	for (uint32_t i = 0; i < team->config->member_count; i++) {
		if (!takes_over(&team->members[i]))
			continue;
		if (last)
			return;
		last = &team->members[i];
	}
	found = doctor_find(doctor, name);
	if (last)
		finding_say(found->what, "nothing takes over when %s is lost", last->name);
	else
		finding_say(found->what, "peers do not reach the primary of %s", name);
	finding_say(found->evidence, "cannot take over: ");
	say_members(team, false, found->evidence);
	finding_say(found->mend, "mend these members: iovteam member show %s", name);
}

static void one_device(struct doctor *doctor, const struct doctor_team *team)
{
	const struct link *first = NULL;
	struct finding *found;
	uint32_t present = 0;

	for (uint32_t i = 0; i < team->config->member_count; i++) {
		const struct link *link = team->members[i].link;

		if (!link)
			continue;
		if (first && doctor_below(doctor, link) != first)
			return;
		first = doctor_below(doctor, link);
		present++;
	}
	if (present < 2)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "the loss of %s takes all members at once", first->name);
	finding_say(found->evidence, "all %u members stand on %s", present, first->name);
	finding_say(found->mend, "make the team of devices that have links of their own");
}

static void one_card(struct doctor *doctor, const struct doctor_team *team)
{
	const struct doctor_member *first = NULL, *last = NULL;
	struct finding *found;

	for (uint32_t i = 0; i < team->config->member_count; i++) {
		const struct doctor_member *member = &team->members[i];

		if (!member->link)
			continue;
		if (first && !doctor_one_card(first->link, member->link))
			return;
		last = first ? member : NULL;
		first = first ? first : member;
	}
	if (!last)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "it looks as if one card bears all members");
	finding_say(found->evidence, "%s is %s, %s is %s", first->name, first->link->bus_id,
		    last->name, last->link->bus_id);
	finding_say(found->mend, "a team over two cards survives the loss of a card, too");
}

/* T21: what its manager has made of an adopted bond since. */
static void adopted_bond(struct doctor *doctor, const struct doctor_team *team)
{
	struct problem problem = {};
	struct finding *found;

	if (!team->config->adopt || !adopt_check(team->config, doctor->facts->links, &problem))
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "the bond %s is not as an adopted one must be",
		    team->config->name);
	finding_say(found->evidence, "%s", problem.text);
	finding_say(found->mend, "change it with what has made it; iovteam takes it on by itself");
}

static void no_miimon(struct doctor *doctor, const struct doctor_team *team)
{
	struct finding *found;

	if (!team->bond || team->bond->bond.miimon)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "while iovteamd is not running, nobody sees a lost link");
	finding_say(found->evidence, "miimon of the bond %s is 0", team->bond->name);
	if (team->config->adopt)
		finding_say(found->mend, "set miimon 100 with what has made the bond");
	else
		finding_say(found->mend, "iovteam reload");
}

static void step_failed(struct doctor *doctor, const struct doctor_team *team)
{
	struct finding *found;

	if (!*team->trouble)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s is not as it is configured", team->config->name);
	finding_say(found->evidence, "%s", team->trouble);
	finding_say(found->mend, "iovteam plan tells what is still to be done; it is tried again "
				 "by itself");
}

/* The first that the kernel has not made by itself, NULL if there is none. */
static const struct link_address *address_of(const struct doctor *doctor, const struct link *link)
{
	const struct doctor_facts *facts = doctor->facts;

	for (size_t i = 0; i < facts->address_count; i++)
		if (facts->addresses[i].ifindex == link->ifindex &&
		    facts->addresses[i].scope != SCOPE_LINK)
			return &facts->addresses[i];
	return NULL;
}

/* A VLAN on the team, a bridge above it: addresses may be there, or in a VM. */
static bool is_stood_on(const struct doctor *doctor, const struct link *bond)
{
	const struct link_table *links = doctor->facts->links;

	for (size_t i = 0; i < links->count; i++)
		if (&links->links[i] != bond && doctor_below(doctor, &links->links[i]) == bond)
			return true;
	return bond->master && strcmp(bond->slave_kind, "vrf") != 0;
}

static void no_address(struct doctor *doctor, const struct doctor_team *team)
{
	struct finding *found;

	if (!team->bond || address_of(doctor, team->bond) || is_stood_on(doctor, team->bond))
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "nobody is told when the primary changes");
	finding_say(found->evidence, "%s has no IP address, and nothing stands on it",
		    team->bond->name);
	finding_say(found->mend, "ip address add ADDRESS/PREFIX dev %s", team->bond->name);
}

/* An address of IPv4 that runs out was leased; a physical switch that snoops DHCP knows of it. */
static const struct link_address *leased_address(const struct doctor *doctor,
						 const struct link *link)
{
	const struct doctor_facts *facts = doctor->facts;

	for (size_t i = 0; i < facts->address_count; i++)
		if (facts->addresses[i].ifindex == link->ifindex &&
		    facts->addresses[i].family == AF_INET &&
		    facts->addresses[i].scope != SCOPE_LINK &&
		    !(facts->addresses[i].flags & IFA_F_PERMANENT))
			return &facts->addresses[i];
	return NULL;
}

static void leased(struct doctor *doctor, const struct doctor_team *team)
{
	const struct link_address *address = team->bond && team->config->member_count > 1
						     ? leased_address(doctor, team->bond)
						     : NULL;
	char text[INET6_ADDRSTRLEN];
	struct finding *found;

	if (!address)
		return;
	(void)inet_ntop(AF_INET, address->bytes, text, sizeof(text));
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "DHCP snooping and ARP inspection of physical switches, where "
				 "they are on, "
				 "refuse it after a failover");
	finding_say(found->evidence,
		    "%s was leased, which binds it to a MAC and a port; a failover takes it to "
		    "another %s",
		    text, team->config->mac_policy == MAC_POLICY_TEAM ? "port" : "MAC and port");
	finding_say(found->mend, "have the ports behind all members trusted for DHCP and ARP, or "
				 "the address bound to each of them");
}

/* --- its members --- */

/* What each reason means, and what mends it: a sentence, or a command around the member's name. */
static const struct {
	const char *meaning, *mend, *mend_end;
} reasons[] = {
	[REASON_NONE] = {"", "", NULL},
	[REASON_ADMINISTRATIVE_DECISION] = {"it is set down", "ip link set ", " up"},
	[REASON_MEDIA_DISCONNECTED] = {"its driver reports no carrier",
				       "look at the cable and the port behind it, or at its host: "
				       "iovteam adapter show",
				       NULL},
	[REASON_PATH_UNRESPONSIVE] = {"it has a carrier, but nothing comes through",
				      "look at the cable of the host's NIC, and at the port "
				      "behind it",
				      NULL},
	[REASON_WAITING_FOR_STABLE] = {"it is held until its link has been stable; longer each "
				       "time that it flaps",
				       "wait; iovteam team show tells how long", NULL},
	[REASON_NOT_PRESENT] = {"there is no device ",
				"give the machine this device, or take it "
				"out of the team",
				NULL},
	[REASON_MAC_NOT_PERMITTED] = {"", "", NULL},
	[REASON_UNKNOWN] = {"it has not become a member", "iovteam plan", NULL},
};
NAME_TABLE_COMPLETE(reasons, MEMBER_REASON_COUNT);

/* Why a device that is there is no member: what the device has, else what was tried last. */
static void say_not_joined(const struct doctor *doctor, const struct doctor_team *team,
			   const struct doctor_member *member, struct finding *found)
{
	const struct doctor_facts *facts = doctor->facts;
	struct problem problem = {};

	if (admit_member(member->link, team->bond ? team->bond->ifindex : 0, facts->links,
			 facts->addresses, facts->address_count, &problem))
		finding_say(found->evidence, "%s", problem.text);
	else if (*team->trouble)
		finding_say(found->evidence, "%s", team->trouble);
	else
		finding_say(found->evidence, "%s is there, and not in %s", member->name,
			    team->config->name);
	finding_say(found->mend, "iovteam plan tells what is still to be done");
}

static void say_reason(const struct doctor_member *member, struct finding *found)
{
	const char *end = reasons[member->reason].mend_end;

	finding_say(found->evidence, "%s: %s%s", member_reason_names[member->reason],
		    reasons[member->reason].meaning,
		    member->reason == REASON_NOT_PRESENT ? member->config->device : "");
	finding_say(found->mend, "%s%s%s", reasons[member->reason].mend, end ? member->name : "",
		    end ? end : "");
}

static bool has_joined(const struct doctor_team *team, const struct doctor_member *member)
{
	return member->link && team->bond && member->link->master == team->bond->ifindex;
}

static void member_out(struct doctor *doctor, const struct doctor_team *team,
		       const struct doctor_member *member)
{
	struct finding *found;

	if (member->state != MEMBER_FAILED || member->reason == REASON_WAITING_FOR_STABLE)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s is not in use", member->name);
	if (member->link && !has_joined(team, member))
		say_not_joined(doctor, team, member, found);
	else
		say_reason(member, found);
}

static void member_held(struct doctor *doctor, const struct doctor_team *team,
			const struct doctor_member *member)
{
	struct finding *found;

	if (member->reason != REASON_WAITING_FOR_STABLE)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s is back, and not in use yet", member->name);
	say_reason(member, found);
}

static void member_drained(struct doctor *doctor, const struct doctor_team *team,
			   const struct doctor_member *member)
{
	struct finding *found;

	if (!member->drained)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s carries traffic only if nobody else can", member->name);
	finding_say(found->evidence, "it was drained");
	finding_say(found->mend, "iovteam member restore %s %s", team->config->name, member->name);
}

/* T8 `team`. */
static void mac_refused(struct doctor *doctor, const struct doctor_team *team,
			const struct doctor_member *member)
{
	struct finding *found;

	if (member->reason != REASON_MAC_NOT_PERMITTED)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s cannot become primary", member->name);
	finding_say(found->evidence, "its host or driver has refused it the team's MAC");
	finding_say(found->mend,
		    "on the host: iovteam adapter set VM allow-teaming=on; or here: iovteam team "
		    "set %s mac-policy=member",
		    team->config->name);
}

static void blind_driver(struct doctor *doctor, const struct doctor_team *team,
			 const struct doctor_member *member)
{
	struct finding *found;

	if (!member->link || !quirk_blind_carrier(member->link->driver) ||
	    (team->config->probe != PROBE_OFF && team->config->member_count > 1))
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "the loss of the cable behind %s may go unseen", member->name);
	finding_say(found->evidence,
		    "its driver is %s, with which the carrier follows the NIC of the host, and not "
		    "always the NIC's cable",
		    member->link->driver);
	finding_say(found->mend, "iovteam team set %s probe=auto, with two members or more",
		    team->config->name);
}

static void host_tells(struct doctor *doctor, const struct doctor_team *team,
		       const struct doctor_member *member)
{
	struct finding *found;

	if (!member->link || strcmp(member->link->driver, "virtio_net") != 0)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s sees a lost link only if its host tells it", member->name);
	finding_say(found->evidence, "it is a virtio device, which has a carrier of its own");
	finding_say(found->mend, "on the host: iovteam adapter set VM allow-teaming=on");
}

static void member_address(struct doctor *doctor, const struct doctor_team *team,
			   const struct doctor_member *member)
{
	const struct link_address *address =
		has_joined(team, member) ? address_of(doctor, member->link) : NULL;
	char text[INET6_ADDRSTRLEN];
	struct finding *found;

	if (!address)
		return;
	(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s has an IP address, which does not fail over", member->name);
	finding_say(found->evidence, "%s/%u is on %s", text, address->prefix, member->name);
	finding_say(found->mend, "put it on %s, and: ip address del %s/%u dev %s",
		    team->config->name, text, address->prefix, member->name);
}

/* A bridge or VLAN that was given the MAC of a member for ever; by itself it follows the team. */
static const struct link *upper_with_mac(const struct doctor *doctor, const struct link *bond,
					 const struct mac *mac)
{
	const struct link_table *links = doctor->facts->links;
	struct upper upper;

	for (size_t i = 0; i < links->count; i++)
		if (&links->links[i] != bond && mac_equal(&links->links[i].mac, mac) &&
		    upper_find(links, links->links[i].ifindex, bond->ifindex, &upper))
			return &links->links[i];
	return NULL;
}

/* T7, T8: what is sent to this MAC comes to the member, and the program takes its sender for us. */
static void upper_mac(struct doctor *doctor, const struct doctor_team *team,
		      const struct doctor_member *member)
{
	const struct link *upper;
	struct finding *found;
	char mac[MAC_TEXT_SIZE];

	if (!has_joined(team, member) || mac_equal(&member->link->mac, &team->bond->mac))
		return;
	upper = upper_with_mac(doctor, team->bond, &member->link->mac);
	if (!upper)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s is not reached while %s is not the primary", upper->name,
		    member->name);
	finding_say(found->evidence, "%s has the MAC of %s, %s, and %s has another one",
		    upper->name, member->name, mac_format(&member->link->mac, mac),
		    team->bond->name);
	finding_say(found->mend, "give it one that no member has: ip link set %s address MAC",
		    upper->name);
}

static void member_mtu(struct doctor *doctor, const struct doctor_team *team,
		       const struct doctor_member *member)
{
	struct finding *found;

	if (!has_joined(team, member) || member->link->mtu == team->bond->mtu)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "frames that %s sends may not pass %s", team->bond->name,
		    member->name);
	finding_say(found->evidence, "the MTU of %s is %u, that of %s is %u", member->name,
		    member->link->mtu, team->bond->name, team->bond->mtu);
	finding_say(found->mend, "ip link set %s mtu %u", team->bond->name,
		    member->link->mtu < team->bond->mtu ? member->link->mtu : team->bond->mtu);
}

/* net_failover: it takes in a virtio device, and the VF of its MAC, without being told (T13). */
static void kernel_paths(struct doctor *doctor, const struct doctor_team *team,
			 const struct doctor_member *member)
{
	const struct link_table *links = doctor->facts->links;
	struct finding *found;

	for (size_t i = 0; member->link && i < links->count; i++) {
		const struct link *inside = &links->links[i];

		if (inside->master != member->link->ifindex || *inside->slave_kind ||
		    strcmp(inside->driver, "virtio_net") != 0)
			continue;
		found = doctor_find(doctor, team->config->name);
		finding_say(found->what,
			    "%s goes on losing what comes in by %s while its VF has no carrier, or "
			    "is silent",
			    member->name, inside->name);
		finding_say(found->evidence,
			    "the kernel's net_failover joins the two, and drops what %s receives "
			    "as long as there is a VF",
			    inside->name);
		finding_say(found->mend, "start the guest without failover=on (libvirt: without "
					 "<teaming>): iovteam joins them then");
		return;
	}
}

/* docs/managers.md. */
static void member_managed(struct doctor *doctor, const struct doctor_team *team,
			   const struct doctor_member *member)
{
	struct finding *found;

	if (team->config->adopt || member->manager == DEVICE_MANAGER_NONE)
		return;
	found = doctor_find(doctor, team->config->name);
	finding_say(found->what, "%s may be taken out of %s, or given addresses, behind our back",
		    member->name, team->config->name);
	if (member->manager == DEVICE_MANAGER_NETWORKD) {
		finding_say(found->evidence, "systemd-networkd manages it: networkctl status %s",
			    member->name);
		finding_say(found->mend,
			    "udevadm trigger --settle --action=change /sys/class/net/%s; "
			    "networkctl reload; networkctl reconfigure %s",
			    member->name, member->name);
	} else {
		finding_say(found->evidence, "NetworkManager manages it: nmcli device show %s",
			    member->name);
		finding_say(found->mend, "nmcli device set %s managed no", member->name);
	}
}

/* --- the machine --- */

static void files_not_in_force(struct doctor *doctor)
{
	struct finding *found;

	if (!*doctor->facts->files_trouble)
		return;
	found = doctor_find(doctor, "configuration");
	finding_say(found->what, "the configuration files are not in force: nothing is put right");
	finding_say(found->evidence, "%s", doctor->facts->files_trouble);
	finding_say(found->mend, "mend the file, then: iovteam reload");
}

const struct doctor_check doctor_guest_checks[] = {
	{"team-down", FINDING_FATAL, .team = team_down},
	{"single-member", FINDING_FATAL, .team = single_member},
	{"single-usable", FINDING_FATAL, .team = single_usable},
	{"one-device", FINDING_FATAL, .team = one_device},
	{"files", FINDING_WARNING, .machine = files_not_in_force},
	{"adopted-bond", FINDING_WARNING, .team = adopted_bond},
	{"step-failed", FINDING_WARNING, .team = step_failed},
	{"member-out", FINDING_WARNING, .member = member_out},
	{"mac-refused", FINDING_WARNING, .member = mac_refused},
	{"blind-driver", FINDING_WARNING, .member = blind_driver},
	{"kernel-paths", FINDING_WARNING, .member = kernel_paths},
	{"managed", FINDING_WARNING, .member = member_managed},
	{"member-mtu", FINDING_WARNING, .member = member_mtu},
	{"member-address", FINDING_WARNING, .member = member_address},
	{"upper-mac", FINDING_WARNING, .member = upper_mac},
	{"no-miimon", FINDING_WARNING, .team = no_miimon},
	{"member-held", FINDING_NOTE, .member = member_held},
	{"member-drained", FINDING_NOTE, .member = member_drained},
	{"host-tells", FINDING_NOTE, .member = host_tells},
	{"one-card", FINDING_NOTE, .team = one_card},
	{"no-address", FINDING_NOTE, .team = no_address},
	{"leased", FINDING_NOTE, .team = leased},
};
const size_t doctor_guest_check_count = ARRAY_SIZE(doctor_guest_checks);
