/*
 * phone_written.c
 *		Takes apart what people, trunks and address books write as a phone number:
 *		URIs, names around it, separators; and knows what they write when the caller
 *		withholds the number.
 *
 * Sources: RFC 3966 (tel:), RFC 3261 section 19 (sip:), RFC 3323 section 4.1
 * (anonymous.invalid); the numbers that carriers send for a withheld one spell a word on
 * the keys of a phone: 266696687 is ANONYMOUS.
 *
 * Called by phone.c.  Pure: no memory, no errors.
 * Shown by test/sql/phone_numbers.sql.
 */
#include "postgres.h"

#include "core/ascii.h"
#include "core/phone_written.h"

/* Longer than any URI of a number. */
#define MAX_WRITTEN 512

/* A part of what was written. */
typedef struct Span
{
	const char *at;
	size_t      length;
} Span;

/* Letters and nothing else, for a name like "Private Number" has many forms. */
static const char *const privacy_words[] = {
	"anonymous",        "anonymouscaller", "anonymousinvalid", "blocked",
	"calleridblocked",  "hidden",          "nocallerid",       "numberwithheld",
	"private",          "privatecaller",   "privatenumber",    "restricted",
	"restrictednumber", "undisclosed",     "withheld",         "withheldnumber",
};

/* Said of a number that is not there; as a name beside a number they say nothing. */
static const char *const absence_words[] = {
	"callerunknown", "na",        "none",          "nonumber",      "notavailable",
	"null",          "outofarea", "payphone",      "unavailable",   "undefined",
	"unidentified",  "unknown",   "unknowncaller", "unknownnumber",
};

/* Of those, what carriers spell on the keys of a phone in the place of a number. */
static const char *const spelled_words[] = {
	"anonymous", "blocked", "private", "restricted", "unavailable", "unknown", "withheld",
};

/* The keys of the letters from a to z. */
static const char keypad[] = "22233344455566677778889999";

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static Span
trim(Span span)
{
	while (span.length > 0 && (is_blank(*span.at) || *span.at == '"'))
	{
		span.at++;
		span.length--;
	}
	while (span.length > 0 &&
		   (is_blank(span.at[span.length - 1]) || span.at[span.length - 1] == '"'))
		span.length--;
	return span;
}

/* ---- Withheld numbers ------------------------------------------------------------- */

static bool
is_one_of(const char *letters, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(letters, words[i]) == 0)
			return true;
	}
	return false;
}

/* is_name: it stands beside a number. */
static bool
is_withheld_word(Span span, bool is_name)
{
	char   letters[32];
	size_t count = 0;

	for (size_t i = 0; i < span.length; i++)
	{
		if (span.at[i] >= '0' && span.at[i] <= '9')
			return false;
		if (!cg_is_letter(span.at[i]))
			continue;
		if (count == sizeof(letters) - 1)
			return false;
		letters[count++] = pg_ascii_tolower((unsigned char) span.at[i]);
	}
	letters[count] = '\0';
	return is_one_of(letters, privacy_words, lengthof(privacy_words)) ||
		   (!is_name && is_one_of(letters, absence_words, lengthof(absence_words)));
}

/* 266696687 and the like, also behind zeros; some carriers have mistyped one. */
static bool
spells_withheld(const char *digits)
{
	digits += strspn(digits, "0");
	if (strcmp(digits, "8566696") == 0)
		return true;
	for (int i = 0; i < lengthof(spelled_words); i++)
	{
		const char *word = spelled_words[i];
		size_t      same = 0;

		while (word[same] != '\0' && digits[same] == keypad[word[same] - 'a'])
			same++;
		if (word[same] == '\0' && digits[same] == '\0')
			return true;
	}
	return false;
}

/* ---- URIs ------------------------------------------------------------------------- */

static bool
begins_with(Span span, const char *prefix)
{
	size_t length = strlen(prefix);

	return span.length >= length && pg_strncasecmp(span.at, prefix, length) == 0;
}

static Span
skip(Span span, size_t count)
{
	return (Span){span.at + count, span.length - count};
}

static size_t
find(Span span, char c)
{
	const char *found = memchr(span.at, c, span.length);

	return found != NULL ? found - span.at : span.length;
}

/*
 * What is between < and >, if anything is: "Ann Lee" <sip:...>.  Who is called anonymous
 * there withholds the number, even where the network hands it on.
 */
static bool
unwrap_name(Span *span)
{
	size_t open = find(*span, '<');
	Span   name = {span->at, open};

	if (open == span->length)
		return true;
	if (is_withheld_word(name, true))
		return false;
	*span = skip(*span, open + 1);
	span->length = find(*span, '>');
	return true;
}

/* The parameters of a URI: ;ext=12;phone-context=+44. */
static CgPhoneStatus
read_parameters(Span parameters, Span *context)
{
	while (parameters.length > 0)
	{
		Span parameter;

		parameters = skip(parameters, 1);
		parameter = (Span){parameters.at, find(parameters, ';')};
		parameters = skip(parameters, parameter.length);
		if (begins_with(parameter, "ext="))
			return CG_PHONE_EXTENSION;
		if (begins_with(parameter, "phone-context=+"))
			*context = skip(parameter, strlen("phone-context="));
	}
	return CG_PHONE_OK;
}

/* Leaves the number of a URI, and its phone-context, if any. */
static CgPhoneStatus
unwrap_uri(Span *span, Span *context)
{
	bool   is_sip = begins_with(*span, "sip:") || begins_with(*span, "sips:");
	size_t end;
	Span   parameters;

	if (!is_sip && !begins_with(*span, "tel:") && !begins_with(*span, "callto:") &&
		!(span->length > 0 && *span->at == '+'))
		return CG_PHONE_OK;
	if (span->length > 0 && *span->at != '+')
		*span = skip(*span, find(*span, ':') + 1);
	/* A URI may name headers behind "?", and in front of "@" only is the user. */
	span->length = find(*span, '?');
	end = find(*span, '@');
	if (is_withheld_word(skip(*span, end), true))
		return CG_PHONE_WITHHELD;
	span->length = end;
	end = find(*span, ';');
	parameters = skip(*span, end);
	span->length = end;
	/* A password of the user, which nobody should write. */
	if (is_sip)
		span->length = find(*span, ':');
	return read_parameters(parameters, context);
}

/* ---- Digits ----------------------------------------------------------------------- */

/*
 * The length of a separator at the start of a span, or 0.  Besides the signs of a
 * keyboard these are U+00A0 and U+00AD, U+2060, U+FEFF, U+3000 and U+FF0D, and U+200B to
 * U+202F where they are no line breaks: marks of direction, hyphens and dashes that come
 * along when a number is copied.
 */
static size_t
separator_length(Span span)
{
	const unsigned char *c = (const unsigned char *) span.at;

	if (c[0] != '\0' && strchr(" -.()/", c[0]) != NULL)
		return 1;
	if (span.length >= 2 && c[0] == 0xC2 && (c[1] == 0xA0 || c[1] == 0xAD))
		return 2;
	if (span.length < 3)
		return 0;
	if (c[0] == 0xE2 && c[1] == 0x80 &&
		((c[2] >= 0x8B && c[2] <= 0x95) || (c[2] >= 0xAA && c[2] <= 0xAF)))
		return 3;
	if (memcmp(c, "\xE2\x81\xA0", 3) == 0 || memcmp(c, "\xEF\xBB\xBF", 3) == 0 ||
		memcmp(c, "\xE3\x80\x80", 3) == 0 || memcmp(c, "\xEF\xBC\x8D", 3) == 0 ||
		memcmp(c, "\xE2\x88\x92", 3) == 0)
		return 3;
	return 0;
}

/* A digit or "+" at the start of a span, also in a URI's or a full-width form. */
static char
read_sign(Span span, size_t *length)
{
	const unsigned char *c = (const unsigned char *) span.at;

	*length = 1;
	if ((c[0] >= '0' && c[0] <= '9') || c[0] == '+')
		return c[0];
	*length = 3;
	if (span.length >= 3 && pg_strncasecmp(span.at, "%2B", 3) == 0)
		return '+';
	if (span.length >= 3 && c[0] == 0xEF && c[1] == 0xBC)
	{
		if (c[2] == 0x8B)
			return '+';
		if (c[2] >= 0x90 && c[2] <= 0x99)
			return '0' + (c[2] - 0x90);
	}
	return '\0';
}

/* What follows a number says that it has an extension: "x12", "ext. 12", "#12", ",12". */
static bool
is_extension(Span rest, const CgPhoneNumber *number)
{
	if (number->count < 5 || rest.length == 0 || find(rest, '+') < rest.length)
		return false;
	if (strchr("xX#,;", *rest.at) == NULL && !begins_with(rest, "ext"))
		return false;
	return rest.at[rest.length - 1] >= '0' && rest.at[rest.length - 1] <= '9';
}

/* Adds the digits of a span; is_context: a "+" may come anew behind them. */
static CgPhoneStatus
read_digits(Span span, CgPhoneNumber *number)
{
	while (span.length > 0)
	{
		size_t length;
		char   sign = read_sign(span, &length);

		if (number->count > 0 && begins_with(span, "(0)"))
			number->has_trunk_zero = true;
		if (sign == '+' && number->count == 0 && !number->has_plus)
			number->has_plus = true;
		else if (sign != '\0' && sign != '+')
		{
			if (number->count == CG_PHONE_MAX_WRITTEN)
				return CG_PHONE_UNREADABLE;
			number->digits[number->count++] = sign;
		}
		else
		{
			length = separator_length(span);
			if (length == 0)
				return is_extension(span, number) ? CG_PHONE_EXTENSION
												  : CG_PHONE_UNREADABLE;
		}
		span = skip(span, length);
	}
	return CG_PHONE_OK;
}

CgPhoneStatus
cg_phone_read_written(const char *value, size_t length, CgPhoneNumber *number)
{
	Span          span = {value, length};
	Span          context = {value, 0};
	CgPhoneStatus status;

	memset(number, 0, sizeof(*number));
	if (length > MAX_WRITTEN)
		return CG_PHONE_UNREADABLE;
	span = trim(span);
	/* A name may stand for nobody ("Anonymous" <...>), whatever the number behind it. */
	if (!unwrap_name(&span))
		return CG_PHONE_WITHHELD;
	span = trim(span);
	status = unwrap_uri(&span, &context);
	if (status != CG_PHONE_OK)
		return status;
	span = trim(span);
	if (span.length == 0 || is_withheld_word(span, false))
		return CG_PHONE_WITHHELD;
	/* A local number of a tel: URI is one only behind its context (RFC 3966). */
	if (context.length > 0 && *span.at != '+')
		status = read_digits(context, number);
	if (status == CG_PHONE_OK)
		status = read_digits(span, number);
	if (status != CG_PHONE_OK)
		return status;
	if (number->count == 0)
		return CG_PHONE_UNREADABLE;
	/* Trunks that cannot send nothing send zeros, or a word in digits. */
	if (strspn(number->digits, "0") == (size_t) number->count ||
		spells_withheld(number->digits))
		return CG_PHONE_WITHHELD;
	return CG_PHONE_OK;
}
