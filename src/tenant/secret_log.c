/*
 * secret_log.c
 *		Redacts log entries that carry a secret: calls of set_secret(), add_jwt_key(),
 *		login(), explain_token() and http(), and whatever holds a token.
 *
 * A call is known by its name, however it is spelled: quoted, with blanks or comments
 * before its parenthesis, in any case; a text with names in Unicode escapes may hold any
 * name, and is taken to.  A token is known by its form, wherever it stands: as a
 * parameter, in a plan of auto_explain, in an error.
 *
 * log_statement, log_min_duration_statement and the STATEMENT line of any error
 * would print a literal secret; so would an error that quotes a misplaced argument.
 * The hook sees every entry before it is written.  The client that sent the
 * statement still gets the whole error.
 *
 * What it cannot help: a library that is not loaded yet, hence the advice to
 * preload; a secret that is no token, given as a literal to a function that someone wrote
 * around set_secret(), in entries from before that call, such as those of log_statement;
 * and views like pg_stat_statements (docs/operations.md).
 *
 * Invariant:	an entry is written once, by the inner of two passes: redact() calls
 *				EmitErrorReport() for a changed copy of it, then keeps the original
 *				from the log only.
 * Memory:		allocates nothing; the replaced fields are constants and restored.
 * Errors:		none may be raised inside the hook.
 * Called by:	the server, by a hook that cloudgreet.c installs
 * Shown by:	test/t/030_secrets.pl, test/t/031_secret_log.pl
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/prepare.h"
#include "parser/scansup.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/elog.h"

#include "core/errors.h"
#include "tenant/secret_log.h"

#define HIDDEN_STATEMENT "statement not shown: it carries a secret"
#define HIDDEN_ACTIVITY "<" HIDDEN_STATEMENT ">"

/* Names that nothing else has, and how a name in Unicode escapes begins. */
static const char *const carriers[] = {
	"set_secret", "seal_secret", "add_jwt_key", "seal_jwt_key", "explain_token", "u&\"",
};

/* Names that other things have, too: only a call counts. */
static const struct
{
	const char *name;
	bool        by_literal; /* but not of parameters alone, as the gate calls it */
} calls[] = {{"login", false}, {"http", true}, {"http_caller", true}};

/* How a token's header begins in base64url: an object, perhaps with white space. */
static const char *const token_starts[] = {"eyJ", "eyA", "ewo", "ew0"};

static emit_log_hook_type previous_hook = NULL;

/* Marks the inner pass by its address, in a field that a hidden context never shows. */
static char redacted_mark[] = "";

/* When the statement began that was last found to carry a secret; 0 for none. */
static TimestampTz hidden_statement = 0;

/* The rest of a text after a word, found without regard to case; NULL if not there. */
static const char *
after_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (; *text != '\0'; text++)
	{
		if ((*text | 0x20) == word[0] && pg_strncasecmp(text, word, length) == 0)
			return text + length;
	}
	return NULL;
}

/* Passes over white space and comments; one that is not closed ends the text. */
static const char *
skip_blanks(const char *text)
{
	for (;;)
	{
		while (scanner_isspace(*text))
			text++;
		if (text[0] == '-' && text[1] == '-')
			text += strcspn(text, "\n\r");
		else if (text[0] == '/' && text[1] == '*')
		{
			int depth = 0;

			do
			{
				bool opens = text[0] == '/' && text[1] == '*';
				bool closes = text[0] == '*' && text[1] == '/';

				depth += opens ? 1 : closes ? -1 : 0;
				text += opens || closes ? 2 : 1;
			} while (depth > 0 && *text != '\0');
		}
		else
			return text;
	}
}

/* Whether a function whose name ends so is called: a wrapper's name may. */
static bool
names_call(const char *text, const char *name, bool by_literal)
{
	while ((text = after_word(text, name)) != NULL)
	{
		const char *p = skip_blanks(*text == '"' ? text + 1 : text);

		if (*p == '(' && (!by_literal || *skip_blanks(p + 1) != '$'))
			return true;
	}
	return false;
}

static size_t
base64url_span(const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char) *p) || *p == '-' || *p == '_')
		p++;
	return p - text;
}

/* Whether a token stands in a text: three parts, of which the first is an object. */
static bool
holds_token(const char *text)
{
	for (; (text = strchr(text, 'e')) != NULL; text++)
	{
		size_t header;
		size_t payload;

		for (int i = 0; i < lengthof(token_starts); i++)
		{
			if (strncmp(text, token_starts[i], 3) != 0)
				continue;
			header = base64url_span(text);
			if (header < 12 || text[header] != '.')
				continue;
			payload = base64url_span(text + header + 1);
			if (payload > 2 && text[header + 1 + payload] == '.' &&
				base64url_span(text + header + payload + 2) >= 16)
				return true;
		}
	}
	return false;
}

static bool
names_carrier(const char *text)
{
	if (text == NULL)
		return false;
	for (int i = 0; i < lengthof(carriers); i++)
	{
		if (after_word(text, carriers[i]) != NULL)
			return true;
	}
	for (int i = 0; i < lengthof(calls); i++)
	{
		if (names_call(text, calls[i].name, calls[i].by_literal))
			return true;
	}
	return holds_token(text);
}

/* Reads the name after EXECUTE, folded as the parser does. */
static void
read_name(const char *text, char *name)
{
	bool quoted;
	int  length = 0;

	text = skip_blanks(text);
	quoted = *text == '"';
	if (quoted)
		text++;
	while (*text != '\0' && length < NAMEDATALEN - 1 &&
		   (quoted ? *text != '"'
				   : !scanner_isspace(*text) && strchr("(;/-", *text) == NULL))
	{
		name[length++] = quoted ? *text : pg_tolower((unsigned char) *text);
		text++;
	}
	name[length] = '\0';
}

/* Whether a text runs a prepared statement of this session that carries a secret. */
static bool
executes_carrier(const char *text)
{
	while (text != NULL && (text = after_word(text, "execute")) != NULL)
	{
		char               name[NAMEDATALEN];
		PreparedStatement *prepared;

		read_name(text, name);
		prepared = FetchPreparedStatement(name, false);
		if (prepared != NULL && names_carrier(prepared->plansource->query_string))
			return true;
	}
	return false;
}

/*
 * A detail holds bound parameters, the text of a prepared statement that is executed,
 * or what another process was running when it crashed or deadlocked.
 */
static bool
carries_secret(const ErrorData *error)
{
	return (hidden_statement != 0 &&
			hidden_statement == GetCurrentStatementStartTimestamp()) ||
		   names_carrier(debug_query_string) || names_carrier(error->message) ||
		   names_carrier(error->detail) || names_carrier(error->detail_log) ||
		   names_carrier(error->context) || names_carrier(error->internalquery) ||
		   executes_carrier(debug_query_string);
}

/* Whether a message is the log line of the statement that is running. */
static bool
is_statement_line(const char *message)
{
	return debug_query_string != NULL && strstr(message, debug_query_string) != NULL;
}

/* Whether the message is of a class in which the server quotes no values. */
static bool
quotes_nothing(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
	}
}

/* Takes out what may quote the secret; buffer becomes the message if none is left. */
static void
redact_texts(ErrorData *error, char *buffer, size_t size)
{
	/* The errors of our own class quote no argument of the functions above. */
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == CG_SQLSTATE(0))
		return;

	error->detail = NULL;
	error->detail_log = NULL;
	if (quotes_nothing(error->sqlerrcode))
		return;

	error->hint = NULL;
	if (error->elevel >= ERROR)
	{
		snprintf(buffer, size, "error %s in a statement that carries a secret",
				 unpack_sql_state(error->sqlerrcode));
		error->message = buffer;
	}
	else if (names_carrier(error->message) || is_statement_line(error->message))
		error->message = HIDDEN_STATEMENT;
}

/* Writes the entry without what may hold the secret, to the server's log only. */
static void
write_redacted(ErrorData *error)
{
	ErrorData original = *error;
	char      buffer[100];

	redact_texts(error, buffer, sizeof(buffer));
	error->internalquery = NULL;
	error->context = redacted_mark;
	error->hide_ctx = true;
	error->hide_stmt = true;
	error->output_to_client = false;

	EmitErrorReport();

	*error = original;
	error->output_to_server = false;
}

static void
redact(ErrorData *error)
{
	if (error->context != redacted_mark && carries_secret(error))
	{
		/* A refused statement would stay visible while its session is idle. */
		if (debug_query_string != NULL)
			cg_secret_hide_activity(HIDDEN_ACTIVITY);
		write_redacted(error);
	}
	else if (previous_hook != NULL)
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
	hidden_statement = GetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, shown);
}
