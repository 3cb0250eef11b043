/*
 * settings.c
 *		Reads the settings that the supervisor writes.
 *
 * Values may be secrets (conninfo), so a refused value is never logged.
 *
 * Called by:	main.c
 * Shown by:	test/t/101_gate_limits.pl, test/t/110_supervisor.pl
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/log.h"
#include "gate/settings.h"

typedef struct Number
{
	const char   *name;
	size_t        offset;
	CgSettingUnit unit;
	int64_t       smallest;
	int64_t       largest;
	int64_t       initial;
} Number;

typedef struct Text
{
	const char *name;
	size_t      offset;
	size_t      size;
	const char *initial;
} Text;

#define AT(member) offsetof(CgSettings, member)

/* What the list of settings becomes: rows of the one table or of the other. */
#define NO_ROW(...)
#define ROW_OF_SWITCH(name, initial, summary, detail)                                    \
	{"gate_" #name, AT(name), CG_SETTING_PLAIN, 0, 1, initial},
#define ROW_OF_NUMBER(name, unit, smallest, largest, initial, summary, detail)           \
	{"gate_" #name, AT(name), unit, smallest, largest, initial},
#define ROW_OF_TEXT(name, size, initial, summary, detail)                                \
	{"gate_" #name, AT(name), size, initial},

static const Number numbers[] = {
	CG_GATE_SETTINGS(ROW_OF_SWITCH, ROW_OF_NUMBER, NO_ROW) /* and what is no setting: */
	{"spare", AT(spare), CG_SETTING_PLAIN, 0, 1, 0},
};

static const Text texts[] = {
	CG_GATE_SETTINGS(NO_ROW, NO_ROW, ROW_OF_TEXT) /* and what the server works out: */
	{"cors_origins", AT(cors_origins), sizeof(((CgSettings *) 0)->cors_origins), ""},
	{"gate_conninfo", AT(conninfo), sizeof(((CgSettings *) 0)->conninfo), ""},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int64_t *
number_at(CgSettings *settings, const Number *number)
{
	return (int64_t *) (void *) ((char *) settings + number->offset);
}

void
cg_settings_default(CgSettings *settings)
{
	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < COUNT(numbers); i++)
		*number_at(settings, &numbers[i]) = numbers[i].initial;
	for (size_t i = 0; i < COUNT(texts); i++)
		strcpy((char *) settings + texts[i].offset, texts[i].initial);
}

/* What a number is multiplied by for its unit; 0: there is no such unit. */
static int64_t
unit_factor(CgSettingUnit kind, const char *unit)
{
	static const struct
	{
		CgSettingUnit kind;
		const char   *name;
		int64_t       factor;
	} units[] = {
		{CG_SETTING_BYTES, "B", 1},        {CG_SETTING_BYTES, "kB", 1 << 10},
		{CG_SETTING_BYTES, "MB", 1 << 20}, {CG_SETTING_BYTES, "GB", 1 << 30},
		{CG_SETTING_MS, "ms", 1},          {CG_SETTING_MS, "s", 1000},
		{CG_SETTING_MS, "min", 60000},     {CG_SETTING_MS, "h", CG_SETTING_HOUR},
	};

	if (*unit == '\0')
		return 1;
	for (size_t i = 0; i < COUNT(units); i++)
	{
		if (units[i].kind == kind && strcmp(units[i].name, unit) == 0)
			return units[i].factor;
	}
	return 0;
}

static bool
set_number(CgSettings *settings, const Number *number, const char *text)
{
	char   *end;
	int64_t value;
	int64_t factor;

	if (strcmp(text, "on") == 0 || strcmp(text, "off") == 0)
		text = strcmp(text, "on") == 0 ? "1" : "0";
	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || errno != 0 || value < 0 || value > INT64_C(1) << 32)
		return false;
	factor = unit_factor(number->unit, end + strspn(end, " "));
	value *= factor;
	if (factor == 0 || value < number->smallest || value > number->largest)
		return false;
	*number_at(settings, number) = value;
	return true;
}

static bool
set_text(CgSettings *settings, const Text *text, const char *value)
{
	if (strlen(value) >= text->size)
		return false;
	strcpy((char *) settings + text->offset, value);
	return true;
}

static void
set_value(CgSettings *settings, char *line)
{
	char *value = strchr(line, '=');
	bool  known = false;
	bool  valid = false;

	if (value == NULL)
	{
		cg_log("warning", "a line of settings has no \"=\"");
		return;
	}
	*value++ = '\0';
	if (strncmp(line, "cloudgreet.", 11) == 0)
		line += 11;
	for (size_t i = 0; i < COUNT(numbers) && !known; i++)
	{
		known = strcmp(numbers[i].name, line) == 0;
		valid = known && set_number(settings, &numbers[i], value);
	}
	for (size_t i = 0; i < COUNT(texts) && !known; i++)
	{
		known = strcmp(texts[i].name, line) == 0;
		valid = known && set_text(settings, &texts[i], value);
	}
	if (!known)
		cg_log("warning", "there is no setting \"%.64s\"", line);
	else if (!valid)
		cg_log("warning", "the value of setting \"%s\" was refused", line);
}

size_t
cg_settings_read(CgSettingsReader *reader, CgSettings *settings, const char *bytes,
				 size_t length, bool *complete)
{
	*complete = false;
	for (size_t i = 0; i < length; i++)
	{
		if (bytes[i] != '\n')
		{
			if (reader->length < sizeof(reader->line) - 1 && bytes[i] != '\0')
				reader->line[reader->length++] = bytes[i];
			else
				reader->is_overlong = true;
			continue;
		}
		reader->line[reader->length] = '\0';
		if (reader->is_overlong)
			cg_log("warning", "a line of settings is too long");
		else if (strcmp(reader->line, "ping") == 0)
			reader->pings++;
		else if (reader->length > 0)
			set_value(settings, reader->line);
		else if (reader->has_lines)
			*complete = true;
		reader->has_lines = !*complete && (reader->has_lines || reader->length > 0);
		reader->length = 0;
		reader->is_overlong = false;
		if (*complete)
			return i + 1;
	}
	return length;
}
