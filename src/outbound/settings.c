/*
 * settings.c
 *		The settings of sending.
 *
 * All are the server's: the dispatcher sends for every business.  Those that only SQL
 * reads (current_setting) are defined here too.
 *
 * Called by:	cloudgreet.c, when the library is loaded
 * Shown by:	test/t/140_outbox.pl, test/t/045_settings.pl
 */
#include "postgres.h"

#include "utils/guc.h"

#include "outbound/settings.h"

#define DAY_MS (24 * 60 * 60 * 1000)

int   cg_outbox_attempt_timeout = 15000;
int   cg_outbox_concurrency = 128;
int   cg_outbox_drain_timeout = 700;
int   cg_outbox_max_attempts = 10;
int   cg_outbox_retry_base = 2000;
int   cg_outbox_retry_max = 600000;
int   cg_outbox_unknown_timeout = 300000;
bool  cg_request_loopback = false;
char *cg_resend_url = NULL;
char *cg_telnyx_url = NULL;

static int   history_months = 3;
static int   max_per_contact = 1000;
static char *public_url = NULL;
static int   tick_time_limit = 5000;

/* Empty, or the beginning of URLs: a path is appended to it. */
static bool
check_url(char **newval, void **extra, GucSource source)
{
	const char *url = *newval;
	size_t      length = strlen(url);

	if (length == 0)
		return true;
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		GUC_check_errdetail("A URL begins with https:// or http://.");
	else if (url[length - 1] == '/')
		GUC_check_errdetail("The URL must not end with a slash.");
	else if (strcspn(url, " \t\r\n\"<>\\?#@") != length || length > 500)
		GUC_check_errdetail("The URL has a character that it must not have.");
	else
		return true;
	return false;
}

static void
define_url(const char *name, const char *summary, char **variable, const char *initial)
{
	DefineCustomStringVariable(name, summary, NULL, variable, initial, PGC_SIGHUP, 0,
							   check_url, NULL, NULL);
}

static void
define_ms(const char *name, const char *summary, int *variable, int initial, int smallest)
{
	DefineCustomIntVariable(name, summary, NULL, variable, initial, smallest, DAY_MS,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

void
cg_outbox_settings_define(void)
{
	DefineCustomIntVariable("cloudgreet.history_months",
							"Sets how long requests and webhooks are kept.",
							"They are dropped by whole months.", &history_months,
							history_months, 1, 1200, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_ms("cloudgreet.outbox_attempt_timeout",
			  "Sets the time in which a provider must answer.",
			  &cg_outbox_attempt_timeout, cg_outbox_attempt_timeout, 100);
	DefineCustomIntVariable("cloudgreet.outbox_concurrency",
							"Sets the number of requests to providers at a time.", NULL,
							&cg_outbox_concurrency, cg_outbox_concurrency, 1, 1000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_ms("cloudgreet.outbox_drain_timeout",
			  "Sets the time that requests under way get when the server stops.",
			  &cg_outbox_drain_timeout, cg_outbox_drain_timeout, 0);
	DefineCustomIntVariable("cloudgreet.outbox_max_attempts",
							"Sets how often a request may fail by a fault of its own.",
							"Outages and limits of rate do not count.",
							&cg_outbox_max_attempts, cg_outbox_max_attempts, 1, 1000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("cloudgreet.outbox_max_per_contact",
							"Sets how many requests may wait for one contact.", NULL,
							&max_per_contact, max_per_contact, 1, 100000, PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	define_ms("cloudgreet.outbox_retry_base",
			  "Sets the longest wait after a first failed attempt; it doubles each time.",
			  &cg_outbox_retry_base, cg_outbox_retry_base, 1);
	define_ms("cloudgreet.outbox_retry_max",
			  "Sets the longest wait between two attempts.", &cg_outbox_retry_max,
			  cg_outbox_retry_max, 1);
	define_ms("cloudgreet.outbox_unknown_timeout",
			  "Sets how long an event is waited for when an answer was lost.",
			  &cg_outbox_unknown_timeout, cg_outbox_unknown_timeout, 1);
	define_url("cloudgreet.public_url",
			   "Sets the URL under which providers reach the HTTP gate.", &public_url,
			   "");
	DefineCustomBoolVariable(
		"cloudgreet.request_loopback",
		"Lets requests of applications go to this machine, by http and to any port.",
		"For tests: a tenant names where they go.", &cg_request_loopback,
		cg_request_loopback, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_url("cloudgreet.resend_url", "Sets the URL of Resend's API.", &cg_resend_url,
			   "https://api.resend.com");
	define_url("cloudgreet.telnyx_url", "Sets the URL of Telnyx's API.", &cg_telnyx_url,
			   "https://api.telnyx.com/v2");
	define_ms("cloudgreet.tick_time_limit", "Sets how long a call of tick() takes.",
			  &tick_time_limit, tick_time_limit, 1);
}
