/*
 * defaults.c
 *		The rules and the model of a business that has none of its own.
 *
 * For businesses that visit or receive customers: plumbers, clinics, salons, lawyers.
 * Set by hand: an opinion that rules of the business or, better, its outcomes replace.
 * The features are those of cloudgreet_private.lead_features(), sql/api/550_features.sql.
 *
 * Called by:	scoring_sql.c
 * Shown by:	test/sql/scoring.sql
 */
#include "postgres.h"

#include "scoring/scoring.h"

/* clang-format off */
const char cg_scoring_default_rules[] =
	"["
	/* What the lead wants, by the call that is scored. */
	"{\"feature\": \"call.booked\", \"is\": true, \"points\": 60, \"at_least\": 85, \"reason\": \"Booked in this call\"},"
	"{\"feature\": \"call.wants_appointment\", \"is\": true, \"points\": 20, \"reason\": \"Asks for an appointment\"},"
	"{\"feature\": \"call.urgent\", \"is\": true, \"points\": 18, \"reason\": \"It is urgent\"},"
	"{\"feature\": \"call.service\", \"known\": true, \"points\": 12, \"reason\": \"Names the service wanted\"},"
	"{\"feature\": \"call.address\", \"is\": true, \"points\": 12, \"reason\": \"Gives an address or ZIP code\"},"
	"{\"feature\": \"call.budget\", \"known\": true, \"points\": 8, \"reason\": \"Talks about a budget\"},"
	"{\"feature\": \"call.callback\", \"is\": true, \"points\": 8, \"reason\": \"Wants to be called back\"},"
	"{\"feature\": \"call.sentiment\", \"is\": \"positive\", \"points\": 8, \"reason\": \"Sounds pleased\"},"
	"{\"feature\": \"call.sentiment\", \"is\": \"negative\", \"points\": -10, \"reason\": \"Sounds displeased\"},"
	"{\"feature\": \"call.voicemail\", \"is\": true, \"points\": -8, \"reason\": \"Only a voicemail was reached\"},"
	"{\"feature\": \"call.not_interested\", \"is\": true, \"points\": -50, \"at_most\": 15, \"reason\": \"Is not interested\"},"
	"{\"feature\": \"call.wrong_number\", \"is\": true, \"points\": -60, \"at_most\": 5, \"reason\": \"Called a wrong number\"},"
	"{\"feature\": \"call.spam\", \"is\": true, \"points\": -60, \"at_most\": 5, \"reason\": \"Is a spam call\"},"
	/* What was known of the lead before. */
	"{\"feature\": \"lead.booked\", \"is\": true, \"points\": 50, \"at_least\": 80, \"reason\": \"Has an appointment\"},"
	"{\"feature\": \"lead.completed\", \"from\": 1, \"points\": 20, \"reason\": \"Was a customer before\"},"
	"{\"feature\": \"lead.calls\", \"from\": 1, \"points\": 10, \"reason\": \"Called before\"},"
	"{\"feature\": \"lead.texts\", \"from\": 1, \"points\": 8, \"reason\": \"Writes texts\"},"
	"{\"feature\": \"lead.name_known\", \"is\": true, \"points\": 3, \"reason\": \"Name is known\"},"
	"{\"feature\": \"lead.email_known\", \"is\": true, \"points\": 4, \"reason\": \"E-mail address is known\"},"
	"{\"feature\": \"lead.no_shows\", \"from\": 1, \"points\": -12, \"reason\": \"Did not come to an appointment\"},"
	"{\"feature\": \"lead.opted_out\", \"is\": true, \"points\": -30, \"at_most\": 20, \"reason\": \"Wants no messages\"}"
	"]";

/* One in three of those who call; how long they talk, and where they come from. */
const char cg_scoring_default_model[] =
	"{\"bias\": -0.7, \"terms\": ["
	"{\"feature\": \"call.seconds\", \"below\": 10, \"weight\": -0.4, \"reason\": \"Hung up at once\"},"
	"{\"feature\": \"call.seconds\", \"from\": 60, \"weight\": 0.2, \"reason\": \"Talked for a minute\"},"
	"{\"feature\": \"call.seconds\", \"from\": 180, \"weight\": 0.2, \"reason\": \"Talked for three minutes\"},"
	"{\"feature\": \"lead.source\", \"one_of\": [\"web\", \"referral\"], \"weight\": 0.2, \"reason\": \"Comes by the website or a referral\"},"
	"{\"feature\": \"lead.source\", \"is\": \"import\", \"weight\": -0.3, \"reason\": \"Comes from a list\"}"
	"]}";
/* clang-format on */
