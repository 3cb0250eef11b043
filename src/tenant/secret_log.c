/*
 * secret_log.c
 *		Redacts log entries of statements that carry a secret: calls of set_secret(),
 *		add_jwt_key() and login().
 *
 * log_statement, log_min_duration_statement and the STATEMENT line of any error
 * would print a literal secret.  The hook looks at every entry before it is
 * written; what it cannot help is a library that is not loaded yet, hence the
 * advice to preload.
 *
 * Memory:		what replaces a field is palloc'd, since elog.c frees the fields.
 * Errors:		none may be raised inside the hook; it only assigns fields.
 */
#include "postgres.h"

#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/elog.h"

#include "tenant/secret_log.h"

static emit_log_hook_type previous_hook = NULL;

/* Finds a word in a text without regard to case. */
static bool
mentions(const char *haystack, const char *word)
{
	size_t length = strlen(word);

	for (; *haystack != '\0'; haystack++)
	{
		if (pg_strncasecmp(haystack, word, length) == 0)
			return true;
	}
	return false;
}

static bool
carries_secret(const char *statement)
{
	return statement != NULL &&
		   (mentions(statement, "set_secret") || mentions(statement, "add_jwt_key") ||
			mentions(statement, "login("));
}

static void
redact(ErrorData *error)
{
	/*
	 * The detail holds bound parameters, the text of a prepared statement that is
	 * executed, or, after a crash, what the process was running.
	 */
	if (carries_secret(debug_query_string) || carries_secret(error->message) ||
		carries_secret(error->detail) || carries_secret(error->internalquery))
	{
		/* Below ERROR it is the log line of a statement, which is the message. */
		if (error->elevel < ERROR &&
			(carries_secret(error->message) || carries_secret(error->detail)))
			error->message = pstrdup("statement not shown: it carries a secret");
		error->hide_stmt = true;
		error->hide_ctx = true;
		error->detail = NULL;
		error->detail_log = NULL;
		error->internalquery = NULL;
	}
	if (previous_hook != NULL)
		previous_hook(error);
}

void
cg_secret_log_install(void)
{
	previous_hook = emit_log_hook;
	emit_log_hook = redact;
}

void
cg_secret_hide_activity(const char *shown)
{
	pgstat_report_activity(STATE_RUNNING, shown);
}
