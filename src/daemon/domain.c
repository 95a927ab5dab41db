// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/domain.h"

#include "base/strings.h"
#include "daemon/clock.h"
#include "daemon/domain_wire.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A step that was asked for and is still lacking: refused, or its guest does not let go. It is not
 * asked for again at once.
 */
struct attempt {
	enum domain_step_kind kind;
	bool live, up;
	char alias[DOMAIN_ALIAS_SIZE];
	uint64_t retry_ns;
	unsigned int retries;
	struct problem refused;
};

#define RETRY_FIRST_NS (4 * NS_PER_S)
#define RETRY_DOUBLINGS 4

struct domain {
	char name[VM_DOMAIN_SIZE];
	struct domain_wire *wire;
	struct domain_wishes wishes;
	struct domain_view view;
	bool known;		/* the view holds */
	struct problem trouble; /* of libvirt as a whole */
	struct attempt attempts[DOMAIN_STEPS_MAX + 1];
	size_t attempt_count;
	struct attempt *asked; /* whose answer is to come */
	void (*changed)(void *data);
	void *data;
	bool news; /* for @changed */
};

/* --- attempts --- */

static bool is_about(const struct attempt *attempt, const struct domain_step *step)
{
	return attempt->kind == step->kind && attempt->live == step->live &&
	       attempt->up == step->up && strcmp(attempt->alias, step->alias) == 0;
}

static struct attempt *attempt_at(struct domain *domain, const struct domain_step *step)
{
	for (size_t i = 0; i < domain->attempt_count; i++)
		if (is_about(&domain->attempts[i], step))
			return &domain->attempts[i];
	return NULL;
}

/* There is room for all steps that a plan can have, and one that is under way. */
static struct attempt *new_attempt(struct domain *domain, const struct domain_step *step)
{
	struct attempt *attempt = &domain->attempts[domain->attempt_count++];

	*attempt = (struct attempt){.kind = step->kind, .live = step->live, .up = step->up};
	(void)text_copy(attempt->alias, sizeof(attempt->alias), step->alias);
	return attempt;
}

static void put_off(struct attempt *attempt)
{
	unsigned int doublings =
		attempt->retries < RETRY_DOUBLINGS ? attempt->retries : RETRY_DOUBLINGS;

	attempt->retry_ns = clock_now_ns() + (RETRY_FIRST_NS << doublings);
}

static void begin_attempt(struct domain *domain, const struct domain_step *step)
{
	struct attempt *attempt = attempt_at(domain, step);

	if (!attempt)
		attempt = new_attempt(domain, step);
	put_off(attempt);
	attempt->retries++;
	domain->asked = attempt;
}

/* What is not lacking any more has succeeded. */
static void settle(struct domain *domain, const struct domain_step *steps, size_t count)
{
	for (size_t i = domain->attempt_count; i-- > 0;) {
		bool lacks = domain->asked == &domain->attempts[i];

		for (size_t j = 0; j < count; j++)
			lacks |= is_about(&domain->attempts[i], &steps[j]);
		if (lacks)
			continue;
		domain->attempts[i] = domain->attempts[--domain->attempt_count];
		if (domain->asked == &domain->attempts[domain->attempt_count])
			domain->asked = &domain->attempts[i];
	}
}

/* --- what is lacking --- */

static void log_step(const struct domain *domain, const struct domain_step *step)
{
	static const char *const words[] = {
		[DOMAIN_SET_LINK] = "sets the link of",
		[DOMAIN_DETACH] = "takes out",
		[DOMAIN_ATTACH] = "attaches",
	};
	NAME_TABLE_COMPLETE(words, DOMAIN_STEP_COUNT);

	log_info("domain %s: libvirt %s %s%s%s", domain->name, words[step->kind], step->alias,
		 step->kind != DOMAIN_SET_LINK ? ""
		 : step->up		       ? " up"
					       : " down",
		 step->live ? "" : " in its definition");
}

static void do_next(struct domain *domain)
{
	struct domain_step steps[DOMAIN_STEPS_MAX];
	size_t count;

	if (!domain->known)
		return;
	count = domain_plan(&domain->wishes, &domain->view, steps);
	settle(domain, steps, count);
	for (size_t i = 0; i < count && domain_wire_free(domain->wire); i++) {
		const struct attempt *before = attempt_at(domain, &steps[i]);

		if (before && clock_now_ns() < before->retry_ns)
			continue;
		log_step(domain, &steps[i]);
		begin_attempt(domain, &steps[i]);
		domain_wire_ask(domain->wire, &steps[i]);
	}
}

/* --- what libvirt says --- */

static void take_answer(struct domain *domain, const char *text)
{
	struct attempt *asked = domain->asked;

	domain->asked = NULL;
	if (!asked)
		return;
	if (*text && strcmp(asked->refused.text, text) != 0)
		log_warning("domain %s: libvirt refuses: %s; it is tried again", domain->name,
			    text);
	asked->refused = (struct problem){};
	if (*text)
		(void)problem_set(&asked->refused, -EREMOTEIO, "%s", text);
}

static void on_told(void *data, bool answer, const char *text, const struct domain_view *view)
{
	struct domain *domain = data;
	enum domain_state before = domain_state_of(domain_seen(domain));
	bool same_run = domain_state_of(&domain->view) == domain_state_of(view);
	bool was_clear = domain_is_clear(&domain->view);

	domain->trouble = (struct problem){};
	domain->view = *view;
	domain->known = true;
	domain->news |= domain_state_of(view) != before || domain_is_clear(view) != was_clear;
	/* Another run of the domain: what was refused may be possible now. */
	if (!same_run)
		for (size_t i = 0; i < domain->attempt_count; i++)
			domain->attempts[i].retry_ns = 0;
	if (domain_state_of(view) != before)
		log_info("domain %s: %s", domain->name, domain_state_names[domain_state_of(view)]);
	if (answer)
		take_answer(domain, text);
	do_next(domain);
}

static void on_lost(void *data, const char *why)
{
	struct domain *domain = data;
	struct problem trouble = {};

	(void)problem_set(&trouble, -ENOTCONN, "libvirt's domain %s is not seen to: %s",
			  domain->name, why);
	if (strcmp(trouble.text, domain->trouble.text) != 0)
		log_warning("%s; it is tried again", trouble.text);
	domain->trouble = trouble;
	domain->news |= domain->known;
	domain->known = false;
	/* A step that it has not survived, or that takes longer than is waited, is not asked at once. */
	if (domain->asked)
		put_off(domain->asked);
	else
		domain->attempt_count = 0;
	domain->asked = NULL;
}

/* Whoever is told may close: nothing behind it touches @data. */
static void on_turn(void *data)
{
	struct domain *domain = data;
	bool news = domain->news;

	domain->news = false;
	if (news)
		domain->changed(domain->data);
}

/* --- the owner's --- */

int domain_open(sd_event *loop, const char *program, const char *name, void (*changed)(void *data),
		void *data, struct domain **ret_domain)
{
	static const struct domain_wire_calls calls = {on_told, on_lost, on_turn};
	struct domain *domain = calloc(1, sizeof(*domain));
	int err;

	if (!domain)
		return -ENOMEM;
	domain->changed = changed;
	domain->data = data;
	err = text_copy(domain->name, sizeof(domain->name), name);
	if (!err)
		err = domain_wire_open(loop, program, domain->name, &calls, domain, &domain->wire);
	if (err) {
		domain_close(domain);
		return err;
	}
	*ret_domain = domain;
	return 0;
}

void domain_close(struct domain *domain)
{
	if (!domain)
		return;
	domain_wire_close(domain->wire);
	free(domain);
}

const char *domain_name(const struct domain *domain)
{
	return domain->name;
}

void domain_want(struct domain *domain, const struct domain_wishes *wishes)
{
	domain->wishes = *wishes;
	do_next(domain);
}

const struct domain_wishes *domain_wishes(const struct domain *domain)
{
	return &domain->wishes;
}

const struct domain_wish *domain_wish_of(const struct domain *domain, const struct mac *mac)
{
	for (uint32_t i = 0; i < domain->wishes.count; i++)
		if (mac_equal(&domain->wishes.wishes[i].mac, mac))
			return &domain->wishes.wishes[i];
	return NULL;
}

const struct domain_view *domain_seen(const struct domain *domain)
{
	return domain->known ? &domain->view : NULL;
}

bool domain_told(const struct domain *domain, const struct mac *mac)
{
	const struct domain_wish *wish = domain_wish_of(domain, mac);
	const struct domain_card *card =
		domain->known ? domain_card_of(&domain->view.live, mac) : NULL;

	return wish && wish->sets_link && card && card->up == wish->up &&
	       !domain_in_the_way(&domain->view.live, wish);
}

static void explain_attempt(const struct domain *domain, const struct attempt *attempt,
			    const struct domain_wish *wish, struct problem *problem)
{
	char alias[DOMAIN_ALIAS_SIZE], vf_alias[DOMAIN_ALIAS_SIZE];

	if (!attempt->refused.error ||
	    (strcmp(attempt->alias, domain_alias(&wish->mac, false, alias)) != 0 &&
	     strcmp(attempt->alias, domain_alias(&wish->mac, true, vf_alias)) != 0))
		return;
	(void)problem_set(problem, -EREMOTEIO, "libvirt cannot %s %s%s the %s%s: %.120s",
			  attempt->kind == DOMAIN_SET_LINK ? "set the link of"
			  : attempt->kind == DOMAIN_DETACH ? "take"
							   : "attach",
			  wish->name,
			  attempt->kind == DOMAIN_SET_LINK ? " in"
			  : attempt->kind == DOMAIN_DETACH ? " out of"
							   : " to",
			  attempt->live ? "running domain " : "definition of domain ", domain->name,
			  attempt->refused.text);
}

void domain_explain(const struct domain *domain, const struct mac *mac, struct problem *problem)
{
	const struct domain_wish *wish = domain_wish_of(domain, mac);
	char text[MAC_TEXT_SIZE];

	if (domain->trouble.error)
		(void)problem_set(problem, domain->trouble.error, "%s", domain->trouble.text);
	if (!domain->known || !wish)
		return;
	if (domain_state_of(&domain->view) == DOMAIN_MISSING)
		(void)problem_set(problem, -ENOENT, "libvirt has no domain %s", domain->name);
	if (domain_in_the_way(&domain->view.live, wish) ||
	    domain_in_the_way(&domain->view.config, wish))
		(void)problem_set(problem, -EEXIST,
				  "domain %s has an interface with the MAC %s already, which is "
				  "not "
				  "on the port %s; take that out of it: virsh edit %s",
				  domain->name, mac_format(mac, text), wish->port, domain->name);
	for (size_t i = 0; i < domain->attempt_count; i++)
		explain_attempt(domain, &domain->attempts[i], wish, problem);
}
