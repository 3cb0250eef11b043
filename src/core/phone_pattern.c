/*
 * phone_pattern.c
 *		Matches digits with the patterns of numbering plans.
 *
 * The patterns are constants of phone_data.c, in the part of Perl's expressions that
 * libphonenumber writes: digits, \d, [2-9], (?:a|b), (a), ?, {n}, {n,m}, $.  The server's own
 * regex engine would compile each of some dozens anew for every number, as it keeps the
 * last 32 only.
 *
 * A group that has matched goes on with what comes after it by a Frame on the stack of
 * its caller.  How deep that goes, and how long it takes, is bounded: patterns are
 * constants without * and +, and digits at most CG_PHONE_MAX_WRITTEN.
 *
 * Called by phone.c.  Allocates nothing, raises nothing.
 * Shown by test/sql/phone_numbers.sql.
 */
#include "postgres.h"

#include "core/phone_plan.h"

/* A group under way, and what follows it. */
typedef struct Frame
{
	const char         *group; /* its "(" */
	const char         *after; /* behind its quantifier */
	int                 least;
	int                 most;
	int                 count; /* of repetitions, this one included */
	const char         *start; /* of this repetition, in the digits */
	const struct Frame *next;
} Frame;

typedef struct Matcher
{
	const char   *pattern;
	bool          is_whole;
	CgPhoneMatch *match;
} Matcher;

static bool match_sequence(const Matcher *matcher, const char *p, const char *s,
						   const Frame *next);

/* From a "(" or "[" to behind what closes it. */
static const char *
skip_brackets(const char *p)
{
	int depth = 0;

	do
	{
		if (*p == '(' || *p == '[')
			depth++;
		else if (*p == ')' || *p == ']')
			depth--;
		p++;
	} while (depth > 0);
	return p;
}

/* Behind an atom that is no group. */
static const char *
skip_atom(const char *p)
{
	if (*p == '[')
		return skip_brackets(p);
	return *p == '\\' ? p + 2 : p + 1;
}

static bool
atom_takes(const char *p, char digit)
{
	if (digit == '\0')
		return false;
	if (*p == '\\')
		return true;
	if (*p != '[')
		return *p == digit;
	for (p++; *p != ']'; p++)
	{
		if (p[1] == '-')
		{
			if (digit >= p[0] && digit <= p[2])
				return true;
			p += 2;
		}
		else if (*p == digit)
			return true;
	}
	return false;
}

/* How often the atom before p may come; returns what is behind the quantifier. */
static const char *
read_quantifier(const char *p, int *least, int *most)
{
	char *end;

	*least = *most = 1;
	if (*p == '?')
	{
		*least = 0;
		return p + 1;
	}
	if (*p != '{')
		return p;
	*least = *most = (int) strtol(p + 1, &end, 10);
	if (*end == ',')
		*most = (int) strtol(end + 1, &end, 10);
	return end + 1;
}

/* Which capturing group a "(" opens, from 0; -1 for "(?:". */
static int
group_number(const Matcher *matcher, const char *group)
{
	int number = -1;

	if (group[1] == '?')
		return -1;
	for (const char *p = matcher->pattern; p <= group; p++)
	{
		if (p[0] == '(' && p[1] != '?')
			number++;
	}
	return number;
}

/* One more repetition of a group, or what comes after it. */
static bool
match_group(const Matcher *matcher, const Frame *frame, const char *s)
{
	Frame       more = *frame;
	const char *close = skip_brackets(frame->group) - 1;
	const char *p = frame->group + (frame->group[1] == '?' ? 3 : 1);

	more.count++;
	more.start = s;
	while (frame->count < frame->most && p <= close)
	{
		if (match_sequence(matcher, p, s, &more))
			return true;
		while (*p != '|' && p < close)
			p = *p == '(' || *p == '[' ? skip_brackets(p) : p + 1;
		p++;
	}
	return frame->count >= frame->least &&
		   match_sequence(matcher, frame->after, s, frame->next);
}

/* A group's alternative has matched up to s. */
static bool
end_group(const Matcher *matcher, const Frame *frame, const char *s)
{
	int number = group_number(matcher, frame->group);

	if (!match_group(matcher, frame, s))
		return false;
	/* From the last repetition to the first, so a later one is not replaced. */
	if (matcher->match != NULL && number >= 0 && number < CG_PHONE_MAX_GROUPS &&
		matcher->match->group[number].start == NULL)
	{
		matcher->match->group[number].start = frame->start;
		matcher->match->group[number].end = s;
	}
	return true;
}

static bool
match_sequence(const Matcher *matcher, const char *p, const char *s, const Frame *next)
{
	const char *after;
	int         least;
	int         most;
	int         count = 0;

	/* An end of text may stand before more of the pattern, and takes nothing. */
	while (*p == '$')
	{
		if (*s != '\0')
			return false;
		p++;
	}
	if (*p == '|' || *p == ')' || *p == '\0')
	{
		/*
		 * An alternative ends where its group does; what comes after the group is next's.
		 */
		if (next != NULL)
			return end_group(matcher, next, s);
		if (matcher->is_whole && *s != '\0')
			return false;
		if (matcher->match != NULL)
			matcher->match->end = s;
		return true;
	}
	if (*p == '(')
	{
		Frame frame = {.group = p, .next = next};

		frame.after = read_quantifier(skip_brackets(p), &frame.least, &frame.most);
		return match_group(matcher, &frame, s);
	}
	after = read_quantifier(skip_atom(p), &least, &most);
	while (count < most && atom_takes(p, s[count]))
		count++;
	/* As Perl does, it takes as much as there is and gives back one at a time. */
	for (; count >= least; count--)
	{
		if (match_sequence(matcher, after, s + count, next))
			return true;
	}
	return false;
}

bool
cg_phone_pattern_match(const char *pattern, const char *digits, bool is_whole,
					   CgPhoneMatch *match)
{
	Matcher     matcher = {pattern, is_whole, match};
	const char *p = pattern;

	if (match != NULL)
	{
		memset(match, 0, sizeof(*match));
		for (const char *c = pattern; *c != '\0'; c++)
			match->groups += c[0] == '(' && c[1] != '?';
	}
	for (;;)
	{
		if (match_sequence(&matcher, p, digits, NULL))
			return true;
		while (*p != '|' && *p != '\0')
			p = *p == '(' || *p == '[' ? skip_brackets(p) : p + 1;
		if (*p == '\0')
			return false;
		p++;
	}
}
