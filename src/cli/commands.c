// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/commands.h"

#include "base/strings.h"

#include <string.h>

#define SETTINGS_HELP                                                                              \
	"Settings, KEY=VALUE (the defaults are shown):\n"                                          \
	"  stable-time-ms=1000       a link that returns must hold this long first\n"              \
	"  hold-down-max-ms=60000    ... twice as long each time it flaps, to this bound\n"        \
	"  return-idle-ms=200        a flow goes home once it paused this long ...\n"              \
	"  return-bound-ms=10000     ... or after this long; 0 = only when it pauses\n"            \
	"  announce-count=3          announcements of the addresses after a failover\n"            \
	"  announce-interval-ms=200  time between them, a multiple of 100\n"                       \
	"  distribution=transport-ports  flows are spread by addresses and ports;\n"               \
	"                            or ip-addresses, or mac-addresses (of the peer)\n"            \
	"  mac-policy=member         each member sends with its own MAC; or team: one MAC\n"       \
	"                            for ever, which the host must permit (allow-teaming)\n"       \
	"  mixed=standby             virtio beside VFs stands by; or weighted: each has\n"         \
	"                            its part by its speed; or equal: as any other\n"              \
	"  probe=auto                members probe their paths if one is a VF; or on, off\n"       \
	"  probe-interval=50         milliseconds between probes ...\n"                            \
	"  probe-multiplier=3        ... of which so many must be missed\n"                        \
	"  probe-address=none        one or two IP addresses that each member must reach\n"

#define MEMBER_HELP                                                                                \
	"Settings of a member (the defaults are shown):\n"                                         \
	"  weight=100   its part of the traffic against the others', 1 to 1000\n"                  \
	"  role=active  or standby: carries nothing until an active member fails\n"

#define DEVICE_HELP                                                                                \
	"DEV names a device by its interface (ens4), its permanent MAC\n"                          \
	"(52:54:00:12:34:56) or its PCI address (pci-0000:00:04.0).\n"

#define SWITCH_HELP                                                                                \
	"Settings of a switch (the defaults are shown):\n"                                         \
	"  iov=off     on: adapters get virtual functions (VFs) of the NIC\n"                      \
	"  vf-count=0  VFs that the NIC shall have while iov is on; 0 = all it can\n"

#define ADAPTER_HELP                                                                               \
	"Settings of an adapter (the defaults are shown):\n"                                       \
	"  iov-weight=0       1 to 100: it wants a VF; the heaviest get theirs first\n"            \
	"  allow-teaming=off  on: it may send with the MACs of the VM's other adapters\n"          \
	"                     that allow teaming, and is disconnected when its\n"                  \
	"                     switch loses the uplink, so that the guest sees it\n"                \
	"  mac-spoofing=off   on: it may send with any MAC\n"                                      \
	"  vlan=0             its VLAN, 1 to 4094; 0 = untagged\n"                                 \
	"  mac=MAC            made from its name where none is given\n"                            \
	"  port=INTERFACE     a tap that something else makes; usually it is made here\n"          \
	"  switch=SWITCH      the switch that it is on\n"

#define TAKE_HELP                                                                                  \
	"  --take-addresses  its addresses and routes go to the team at once, so that a\n"         \
	"                    machine that is reached over it stays reachable\n"

#define GIVE_HELP                                                                                  \
	"  --give-addresses DEV  DEV, which leaves the team, gets the team's addresses\n"          \
	"                        and routes\n"

/* The table reads as a text. */
/* clang-format off */
const struct command commands[] = {
	{ "team", "add", team_add, OPTION_MEMBER | OPTION_TAKE | OPTION_CONFIRM, OPTION_MEMBER, 1, -1,
	  "NAME --member DEV... [--take-addresses] [KEY=VALUE]...",
	  "make a team interface over one or more devices",
	  "Makes the interface NAME over the devices given, and writes its configuration.\n"
	  "The IP addresses belong on NAME; the members need none. The first member is\n"
	  "the first primary.\n\n"
	  DEVICE_HELP "Settings of a member follow it after commas.\n\n" TAKE_HELP
	  "  The first device that has addresses becomes the first member.\n\n"
	  SETTINGS_HELP "\n" MEMBER_HELP "\n"
	  "Examples:\n"
	  "  iovteam team add team0 --member ens4 --member ens5\n"
	  "  iovteam team add team0 --member ens4 --member ens5 stable-time-ms=5000\n"
	  "  iovteam team add team0 --member ens4,weight=200 --member ens5,role=standby\n"
	  "  ip address add 192.0.2.10/24 dev team0\n"
	  "  iovteam team add team0 --member ens4 --member ens5 --take-addresses \\\n"
	  "      --confirm 60\n" },
	{ "team", "adopt", team_adopt, OPTION_CONFIRM, 0, 1, -1, "NAME [KEY=VALUE]...",
	  "take on a bond that something else makes and keeps",
	  "Makes a team of the bond NAME that NetworkManager, networkd, netplan or ifupdown\n"
	  "has made, and writes its configuration. They keep the bond, its slaves and its\n"
	  "addresses; \"iovteam team remove\" lets go of it. It must be in mode\n"
	  "active-backup with fail_over_mac active.\n\n"
	  SETTINGS_HELP "\n"
	  "Example:\n"
	  "  iovteam team adopt bond0\n" },
	{ "team", "remove", team_remove, OPTION_GIVE | OPTION_CONFIRM, 0, 1, 1,
	  "NAME [--give-addresses DEV]",
	  "remove a team and give its devices back as they were",
	  "Removes the interface NAME and its configuration. Each member gets back the\n"
	  "MAC, MTU and state that it had before. An adopted bond stays, with its slaves,\n"
	  "as what has made it keeps it.\n\n" GIVE_HELP "\n"
	  "Examples:\n"
	  "  iovteam team remove team0\n"
	  "  iovteam team remove team0 --give-addresses ens4 --confirm 60\n" },
	{ "team", "set", team_set, OPTION_CONFIRM, 0, 2, -1, "NAME KEY=VALUE...",
	  "change settings of a team",
	  "Changes settings of a running team, and in its configuration. Traffic goes on,\n"
	  "but for mac-policy: all members leave and join again, and there is none until\n"
	  "their links are back.\n\n"
	  SETTINGS_HELP "\n"
	  "Example:\n"
	  "  iovteam team set team0 stable-time-ms=5000 announce-count=5\n" },
	{ "team", "show", team_show, 0, 0, 0, 1, "[NAME]",
	  "show teams: members, counters, last change",
	  "Shows one team, or all. A team is up, degraded (it works, but some member does\n"
	  "not) or down.\n\n"
	  "  REASON    why a member is not in use: iovteam member show --help\n"
	  "  BUCKETS   flows are hashed into 1024 buckets, and these are at home here\n"
	  "  HELD      buckets that the member carries now\n"
	  "  FAILURES  times that the member was lost\n"
	  "  DROPPED   frames received that the team must not see, or not twice\n\n"
	  "Examples:\n"
	  "  iovteam team show\n"
	  "  iovteam team show team0 --json\n" },
	{ "team", "switchover", team_switchover, OPTION_TO | OPTION_CONFIRM, OPTION_TO, 1, 1,
	  "NAME --to MEMBER",
	  "make another member primary, with nothing lost",
	  "Moves the primary role to MEMBER, for planned work on the other link. The old\n"
	  "primary goes on receiving for as long as peers may still send to it.\n\n"
	  "Example:\n"
	  "  iovteam team switchover team0 --to ens5\n" },
	{ "member", "add", member_add, OPTION_TAKE | OPTION_CONFIRM, 0, 2, -1,
	  "NAME DEV [KEY=VALUE]... [--take-addresses]",
	  "add a device to a team",
	  "Adds DEV to the team NAME, and to its configuration.\n\n"
	  DEVICE_HELP "\n" MEMBER_HELP "\n" TAKE_HELP "\n"
	  "Examples:\n"
	  "  iovteam member add team0 ens6\n"
	  "  iovteam member add team0 ens6 role=standby\n" },
	{ "member", "drain", member_drain, OPTION_CONFIRM, 0, 2, 2, "NAME DEV",
	  "keep traffic off a member, for work on its link",
	  "Moves the primary role and each flow off DEV, a flow when it pauses and all of\n"
	  "them within return-bound-ms, so that nothing is lost or overtaken. Returns when\n"
	  "the cable may be pulled. DEV stays drained until it is restored.\n\n"
	  "Examples:\n"
	  "  iovteam member drain team0 ens4\n"
	  "  iovteam member restore team0 ens4\n" },
	{ "member", "restore", member_restore, OPTION_CONFIRM, 0, 2, 2, "NAME DEV",
	  "let a drained member carry traffic again",
	  "Each flow goes back to DEV when it pauses, as after a failure.\n\n"
	  "Example:\n"
	  "  iovteam member restore team0 ens4\n" },
	{ "member", "set", member_set, OPTION_CONFIRM, 0, 3, -1, "NAME DEV KEY=VALUE...",
	  "change settings of a member",
	  "Changes settings of a member, and in the configuration. Traffic goes on; only\n"
	  "as many flows move as the new weights ask for.\n\n" MEMBER_HELP "\n"
	  "Examples:\n"
	  "  iovteam member set team0 ens4 weight=300\n"
	  "  iovteam member set team0 ens5 role=standby\n" },
	{ "member", "remove", member_remove, OPTION_GIVE | OPTION_CONFIRM, 0, 2, 2,
	  "NAME DEV [--give-addresses DEV]", "take a device out of a team",
	  "Takes DEV out of the team NAME, and gives it back as it was. To take out the\n"
	  "last one, remove the team.\n\n" GIVE_HELP "\n"
	  "Example:\n"
	  "  iovteam member remove team0 ens6\n" },
	{ "member", "show", member_show, 0, 0, 0, 1, "[NAME]", "list the members of teams",
	  "Lists the members of the team NAME, or of all teams.\n\n"
	  "Reasons why a member is not in use:\n"
	  "  administrative-decision          set down, drained, or standby by its role\n"
	  "  media-disconnected               its link has no carrier\n"
	  "  waiting-for-stable-connectivity  its link is back; seconds until it is used\n"
	  "  not-present                      there is no such device now\n"
	  "  path-unresponsive                it has a carrier, but nothing comes through\n"
	  "  mac-not-permitted                its host refuses it the team's MAC\n"
	  "  unknown                          it could not be made a member; iovteam doctor\n\n"
	  "Example:\n"
	  "  iovteam member show team0\n" },
	{ "switch", "add", switch_add, OPTION_NIC | OPTION_IOV | OPTION_TAKE | OPTION_CONFIRM,
	  OPTION_NIC, 1, -1, "NAME --nic NIC [OPTIONS] [KEY=VALUE]...", "make a virtual switch on one NIC",
	  "Makes the bridge NAME on NIC, and writes its configuration. Adapters of VMs are\n"
	  "put on it. With iov on they can have VFs of the NIC, which take their traffic\n"
	  "past the host; then a team of the host protects nobody. Make a switch for each\n"
	  "NIC instead, give the VM an adapter on each, and team in the guest.\n\n"
	  "NIC is an interface (ens1f0), a permanent MAC or a PCI address\n"
	  "(pci-0000:01:00.0). It may be a bond, with iov off: a bond hides SR-IOV.\n\n" SWITCH_HELP
	  "  adopt=no    yes: NAME is a bridge that something else makes and keeps\n\n"
	  "  --iov on|off      the setting iov\n"
	  "  --take-addresses  the NIC's addresses and routes go to NAME at once, so that a\n"
	  "                    machine that is reached over it stays reachable\n\n"
	  "Examples:\n"
	  "  iovteam switch add TeamDemoA --nic ens1f0 --iov on\n"
	  "  iovteam switch add TeamDemoB --nic ens1f1 --iov on vf-count=4\n"
	  "  iovteam switch add lan --nic eno1 --take-addresses --confirm 60\n" },
	{ "switch", "set", switch_set, OPTION_CONFIRM, 0, 2, -1, "NAME KEY=VALUE...",
	  "change settings of a switch",
	  "Changes settings of a switch, and in its configuration. iov is changed only\n"
	  "while no adapter uses the switch.\n\n" SWITCH_HELP "\n"
	  "Example:\n"
	  "  iovteam switch set TeamDemoA iov=on\n" },
	{ "switch", "remove", switch_remove, OPTION_GIVE | OPTION_CONFIRM, 0, 1, 1,
	  "NAME [--give-addresses NIC]",
	  "remove a switch that has no adapters",
	  "Removes the bridge NAME and its configuration, and gives the NIC back as it was:\n"
	  "its VFs go. An adopted bridge stays.\n\n"
	  "  --give-addresses NIC  the NIC gets the addresses and routes of NAME\n\n"
	  "Examples:\n"
	  "  iovteam switch remove TeamDemoA\n"
	  "  iovteam switch remove lan --give-addresses eno1 --confirm 60\n" },
	{ "switch", "show", switch_show, 0, 0, 0, 1, "[NAME]", "list switches, or show one in full",
	  "Lists all switches, or shows one in full.\n\n"
	  "  UPLINK    of the NIC: up, down (no carrier, or set down), not-present, or\n"
	  "            taken (into another bridge or bond)\n"
	  "  SR-IOV    on; off; unsupported: wanted, but not possible; namespaces: VFs\n"
	  "            can be had, but given to no VM. The reasons follow, all at once\n"
	  "  VFS       that the NIC can have; MADE: that there are; USED: by adapters\n\n"
	  "Examples:\n"
	  "  iovteam switch show\n"
	  "  iovteam switch show TeamDemoA --json\n" },
	{ "adapter", "add", adapter_add,
	  OPTION_SWITCH | OPTION_WEIGHT | OPTION_MAC | OPTION_VLAN | OPTION_NAMESPACE |
	  OPTION_QMP | OPTION_LIBVIRT | OPTION_CONFIRM, OPTION_SWITCH, 2, -1,
	  "VM NAME --switch SWITCH [OPTIONS] [KEY=VALUE]...", "give a VM a network card on a switch",
	  "Makes the adapter NAME of VM on SWITCH, and writes its configuration. A VM that\n"
	  "is not known yet is made with it. To survive the loss of a NIC, give the VM one\n"
	  "adapter on each of two switches, and team them in the guest.\n\n"
	  "  --iov-weight N   the setting iov-weight; so with --mac and --vlan\n"
	  "  --namespace NS   the guest is this network namespace (ip netns); its\n"
	  "                   interface is called NAME there. Else it is QEMU's, and\n"
	  "                   iovteam adapter show VM NAME tells how QEMU gets it\n"
	  "  --qmp PATH       QEMU's control socket, to tell the guest of a lost uplink\n"
	  "  --libvirt NAME   the guest is this domain of libvirt: the adapter is attached\n"
	  "                   to it, and detached when it is removed\n\n"
	  ADAPTER_HELP "\n"
	  "Examples:\n"
	  "  iovteam adapter add web1 nicA --switch TeamDemoA --iov-weight 100\n"
	  "  iovteam adapter add web1 nicB --switch TeamDemoB --iov-weight 100\n"
	  "  iovteam adapter set web1 allow-teaming=on\n"
	  "  iovteam adapter add web2 nicA --switch TeamDemoA --qmp /run/web2.qmp\n"
	  "  iovteam adapter add web3 nicA --switch TeamDemoA --libvirt web3\n"
	  "  iovteam adapter add test nicA --switch TeamDemoA --namespace test vlan=7\n" },
	{ "adapter", "set", adapter_set, OPTION_CONFIRM, 0, 2, -1, "VM [NAME] KEY=VALUE...",
	  "change settings of an adapter, or of all of a VM",
	  "Changes settings of a running adapter, and in its configuration; without NAME,\n"
	  "of all adapters of VM.\n\n" ADAPTER_HELP "\n"
	  "Examples:\n"
	  "  iovteam adapter set web1 allow-teaming=on\n"
	  "  iovteam adapter set web1 nicA vlan=7 iov-weight=50\n" },
	{ "adapter", "remove", adapter_remove, OPTION_CONFIRM, 0, 2, 2, "VM NAME",
	  "take an adapter away from a VM",
	  "Removes the adapter and its configuration. Its VF is free again. The VM goes\n"
	  "with its last adapter.\n\n"
	  "Example:\n"
	  "  iovteam adapter remove web1 nicB\n" },
	{ "adapter", "show", adapter_show, 0, 0, 0, 2, "[VM [NAME]]",
	  "list adapters, or show one in full",
	  "Lists the adapters of VM, or of all VMs; with NAME, shows one in full, and how\n"
	  "QEMU or libvirt gets it.\n\n"
	  "  STATUS   of the adapter itself; ok also while only the uplink is lost\n"
	  "  PATH     ok; uplink lost: it reaches its switch, and nothing beyond;\n"
	  "           disconnected: so it is, and the guest was told (allow-teaming);\n"
	  "           no port: it has no VF, and its port is not on the switch\n"
	  "  WEIGHT   iov-weight: above 0 it wants a VF\n"
	  "  VF       that it has; - none: its frames take the synthetic path\n"
	  "  TEAMING  allow-teaming\n\n"
	  "Examples:\n"
	  "  iovteam adapter show web1\n"
	  "  iovteam adapter show web1 nicA\n" },
	{ "vf", "show", vf_show, 0, 0, 0, 1, "[SWITCH]", "list the virtual functions of the NICs",
	  "Lists the VFs of all switches' NICs, or of one, as the NIC reports them, and the\n"
	  "adapter that has each. - is what the driver does not tell.\n\n"
	  "  SPOOFCHK  on: the NIC drops frames that are not from the VF's MAC\n"
	  "  TRUST     on: the guest may change the VF's MAC\n"
	  "  LINK      auto: the guest sees the NIC's link; enable: always one; disable\n\n"
	  "Examples:\n"
	  "  iovteam vf show\n"
	  "  iovteam vf show TeamDemoA --json\n" },
	{ "vf", "reallot", vf_reallot, OPTION_PLAN, 0, 1, 1, "SWITCH [--plan]",
	  "deal the VFs of a NIC anew, by weight",
	  "Usually an adapter keeps its VF for as long as it wants one, and a heavier one\n"
	  "that comes later gets none. This deals the VFs of SWITCH anew, once: the highest\n"
	  "iov-weight first, then the oldest. An adapter that loses its VF goes on over its\n"
	  "synthetic path; its guest sees the VF being unplugged, and a connection over it\n"
	  "goes on only if the guest has both paths in a team or bond. Who keeps a VF keeps\n"
	  "the same one.\n\n"
	  "  --plan  say what would be taken from whom, and change nothing\n\n"
	  "Examples:\n"
	  "  iovteam vf reallot TeamDemoA --plan\n"
	  "  iovteam vf reallot TeamDemoA\n" },
	{ "doctor", NULL, doctor, 0, 0, 0, 0, "", "say what would make a failover fail",
	  "Looks at teams, switches and VMs, and says what would make a failover fail,\n"
	  "worst first: what it is, how one can see it, and what mends it. Changes nothing.\n"
	  "It sees this machine alone: ask on the host and in the guest.\n\n"
	  "  fatal    the loss of one link cuts off, or has done so already\n"
	  "  warning  a loss may go unseen, or something is not as it is configured\n"
	  "  note     worth knowing\n\n"
	  "Exit status: 1 also if anything fatal was found.\n\n"
	  "Examples:\n"
	  "  iovteam doctor\n"
	  "  iovteam doctor --json\n" },
	{ "explain", NULL, explain, 0, 0, 2, -1, "NAME [PROTOCOL] SOURCE DESTINATION",
	  "say which member a flow takes, and why",
	  "Asks the program in the kernel which member a flow takes that leaves through\n"
	  "the team NAME: SOURCE is here, DESTINATION is the peer. Nothing is sent.\n\n"
	  "PROTOCOL is tcp, udp or sctp, and then both ends have a port. Without it, give\n"
	  "addresses alone, or MACs. An IPv6 address with a port stands in brackets.\n\n"
	  "Examples:\n"
	  "  iovteam explain team0 tcp 10.0.0.1:4711 10.0.0.2:443\n"
	  "  iovteam explain team0 udp '[2001:db8::1]:53' '[2001:db8::2]:53'\n"
	  "  iovteam explain team0 10.0.0.1 10.0.0.2\n"
	  "  iovteam explain team0 52:54:00:12:34:56 ff:ff:ff:ff:ff:ff\n" },
	{ "plan", NULL, plan, 0, 0, 0, 0, "", "say what a reload would change, and change nothing",
	  "Reads the configuration files, compares them with the machine, and prints what\n"
	  "a reload would do. Nothing is changed.\n\n"
	  "Example:\n"
	  "  iovteam plan\n" },
	{ "reload", NULL, reload, OPTION_CONFIRM, 0, 0, 0, "", "apply configuration files edited by hand",
	  "Reads /etc/iovteam/*.conf and makes the machine so, all or nothing: with an\n"
	  "error in any file nothing is changed.\n\n"
	  "Examples:\n"
	  "  iovteam plan\n"
	  "  iovteam reload\n" },
	{ "confirm", NULL, confirm, 0, 0, 0, 0, "", "keep a change that was made with --confirm",
	  "Keeps the change that waits. Until then, or until it is taken back, every other\n"
	  "change is refused. iovteam team show says what waits, and how long.\n\n"
	  "Examples:\n"
	  "  iovteam team add team0 --member ens4 --member ens5 --take-addresses \\\n"
	  "      --confirm 60\n"
	  "  iovteam confirm\n" },
	{ "cancel", NULL, cancel, 0, 0, 0, 0, "", "take such a change back at once",
	  "Takes the change that waits back now: files, teams, addresses and routes are as\n"
	  "they were before it.\n\n"
	  "Example:\n"
	  "  iovteam cancel\n" },
	{ "watch", NULL, watch, OPTION_INTERVAL | OPTION_COUNT, 0, 0, 1,
	  "[NAME] [--interval SECONDS] [--count N]", "watch teams live, with rates per member",
	  "Redraws the state of one team, or of all, with packets and bits per second\n"
	  "(PPS, BPS) of each member. BUCKETS are those that it carries now. q or Ctrl-C\n"
	  "leaves. Without a terminal it prints one block per interval; with --json, one\n"
	  "object on a line.\n\n"
	  "  --interval SECONDS  time between views, 0.1 to 3600 (default 1)\n"
	  "  --count N           leave after N intervals\n\n"
	  "Examples:\n"
	  "  iovteam watch\n"
	  "  iovteam watch team0 --interval 0.5\n"
	  "  iovteam watch team0 --count 1 --json\n" },
	{ "events", NULL, events, OPTION_COUNT, 0, 0, 1, "[NAME] [--count N]",
	  "print each change as it happens",
	  "Prints the teams as they are, and then a line for each change: a member that is\n"
	  "lost or returns, another primary, another state, a member that leaves, a step\n"
	  "that failed; of a host its switches' uplinks, its adapters and their VFs. With\n"
	  "NAME, those of one team. With --json each line is an object; iovteam(8) has its\n"
	  "fields. It ends when iovteamd does.\n\n"
	  "  --count N  leave after N events\n\n"
	  "Scripts in /etc/iovteam/hooks.d are run on the same events.\n\n"
	  "Examples:\n"
	  "  iovteam events\n"
	  "  iovteam events team0 --json\n" },
};
/* clang-format on */
const size_t command_count = ARRAY_SIZE(commands);

/* What a noun with verbs means alone. */
#define VERB_DEFAULT "show"

static const struct {
	const char *noun, *sentence;
} nouns[] = {
	{"team", "A team is one network interface over several devices."},
	{"member", "A member is a device that is part of a team."},
	{"switch", "A switch is a bridge on one NIC of a host, for adapters of VMs."},
	{"adapter", "An adapter is a VM's network card on one switch of its host."},
	{"vf", "A VF is a virtual function of a NIC: hardware that a guest drives itself."},
};

bool command_noun_known(const char *noun)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, noun) == 0)
			return true;
	return false;
}

const struct command *command_find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		const char *wanted = verb ? verb : VERB_DEFAULT;

		if (strcmp(command->noun, noun) == 0 &&
		    (!command->verb || strcmp(command->verb, wanted) == 0))
			return command;
	}
	return NULL;
}

const char *command_title(const struct command *command, char *text, size_t size)
{
	(void)snprintf(text, size, "iovteam%s%s%s%s", command ? " " : "",
		       command ? command->noun : "", command && command->verb ? " " : "",
		       command && command->verb ? command->verb : "");
	return text;
}

const char *command_verbs(const char *noun, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < command_count && used < size; i++)
		if (commands[i].verb && strcmp(commands[i].noun, noun) == 0)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 commands[i].verb);
	return text;
}

static void list_command(FILE *file, const struct command *command)
{
	char title[64];

	(void)fprintf(file, "  %-20s %s\n",
		      command_title(command, title, sizeof(title)) + strlen("iovteam "),
		      command->summary);
}

static const char options_help[] = "Options of every command:\n"
				   "  --json             print JSON, errors too\n"
				   "  --socket PATH      where iovteamd listens, otherwise "
				   "IOVTEAM_SOCKET in the\n"
				   "                     environment, or /run/iovteam/socket\n"
				   "  --timeout SECONDS  wait this long for an answer (default 10, "
				   "for changes 45)\n"
				   "  --help             explain the command before it\n"
				   "  --version          print the version\n";

static const char confirm_help[] = "Option of every change:\n"
				   "  --confirm SECONDS  take it back after this time unless it is "
				   "confirmed:\n"
				   "                     iovteam confirm --help\n\n";

void help_all(FILE *file)
{
	(void)fputs("Usage: iovteam COMMAND [WORDS] [OPTIONS]\n\n"
		    "Gives this machine a network interface that survives the loss of a link: a\n"
		    "team over two or more devices, such as SR-IOV virtual functions. On a host "
		    "of\n"
		    "VMs it makes switches, and the VMs' adapters that such a team needs.\n\n"
		    "Commands:\n",
		    file);
	for (size_t i = 0; i < command_count; i++)
		list_command(file, &commands[i]);
	(void)fprintf(file, "\n%s\n", options_help);
	(void)fputs("A first team:\n"
		    "  iovteam team add team0 --member ens4 --member ens5\n"
		    "  ip address add 192.0.2.10/24 dev team0\n"
		    "  iovteam watch\n\n"
		    "A VM on a host, for such a team inside it:\n"
		    "  iovteam switch add TeamDemoA --nic ens1f0 --iov on\n"
		    "  iovteam switch add TeamDemoB --nic ens1f1 --iov on\n"
		    "  iovteam adapter add web1 nicA --switch TeamDemoA --iov-weight 100\n"
		    "  iovteam adapter add web1 nicB --switch TeamDemoB --iov-weight 100\n"
		    "  iovteam adapter set web1 allow-teaming=on\n\n"
		    "More: iovteam team add --help, iovteam(8).\n"
		    "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
		    file);
}

void help_noun(FILE *file, const char *noun)
{
	const struct command *alone = command_find(noun, NULL);

	if (alone && !alone->verb) {
		help_command(file, alone);
		return;
	}
	(void)fprintf(file, "Usage: iovteam %s [VERB] [WORDS] [OPTIONS]\n\n", noun);
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		if (strcmp(nouns[i].noun, noun) == 0)
			(void)fprintf(file, "%s\nWithout a verb: %s.\n\n", nouns[i].sentence,
				      VERB_DEFAULT);
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, noun) == 0)
			list_command(file, &commands[i]);
	(void)fprintf(file, "\n%s\nMore: iovteam %s VERB --help\n", options_help, noun);
}

void help_command(FILE *file, const struct command *command)
{
	char title[64];

	(void)fprintf(file, "Usage: %s%s%s\n\n%s\n%s%s",
		      command_title(command, title, sizeof(title)), *command->synopsis ? " " : "",
		      command->synopsis, command->detail,
		      command->options & OPTION_CONFIRM ? confirm_help : "", options_help);
}
