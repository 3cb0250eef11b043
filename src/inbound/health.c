/*
 * health.c
 *		GET /api/health: alive, and with ?ready=1 whether requests can be served.
 *
 * Without a token, so it says nothing about versions or tenants.  Ready means that a
 * signed-in request can be served: the schema is whole and fits, the master key opens what
 * was sealed with it, and the server takes writes.  What is served but has no effect is
 * said beside: a copy of the database, as a promoted standby is until activate(), sends
 * nothing, and without tick() or the processor nothing that is due is done.
 *
 * Errors:		none of its own; those of the catalog pass.
 * Called by:	router.c
 * Shown by:	test/sql/readiness.sql, test/sql/http.sql, test/t/080_doctor.pl
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/xlog.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/instance.h"
#include "core/schema_version.h"
#include "core/spi.h"
#include "inbound/http.h"
#include "tenant/master_key.h"
#include "tenant/secret.h"

/* Later than this is not the delay of a busy server. */
#define LATE_AFTER "interval '10 minutes'"

static const char *
describe_schema(CgSchemaState state)
{
	if (state == CG_SCHEMA_CURRENT)
		return "ok";
	return state == CG_SCHEMA_BROKEN ? "not whole" : "not migrated";
}

/* Whether the newest active token key can be opened; true when there is none. */
static bool
opens_sealed(void)
{
	bytea *key;
	bool   isnull;

	if (cg_spi_query("SELECT kid, key_id, nonce, ciphertext "
					 "FROM cloudgreet_private.jwt_keys WHERE is_active "
					 "ORDER BY created_at DESC, kid LIMIT 1",
					 0, NULL, NULL, NULL, true, 1) == 0)
		return true;
	key = cg_secret_try_open(
		cg_secret_jwt_label(TextDatumGetCString(cg_spi_value(0, 1, &isnull))),
		TextDatumGetCString(cg_spi_value(0, 2, &isnull)),
		DatumGetByteaPP(cg_spi_value(0, 3, &isnull)),
		DatumGetByteaPP(cg_spi_value(0, 4, &isnull)));
	if (key == NULL)
		return false;
	OPENSSL_cleanse(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	return true;
}

/* What is not done although it is due, as a member of the answer. */
static void
append_late(StringInfo out)
{
	bool isnull;

	(void) cg_spi_query("SELECT coalesce(l.due_work > " LATE_AFTER ", false), "
						"coalesce(l.webhooks > " LATE_AFTER ", false) "
						"FROM cloudgreet_private.lateness() l",
						0, NULL, NULL, NULL, true, 1);
	if (DatumGetBool(cg_spi_value(0, 1, &isnull)))
		appendStringInfoString(out, ",\"tick\":\"late\"");
	if (DatumGetBool(cg_spi_value(0, 2, &isnull)))
		appendStringInfoString(out, ",\"webhooks\":\"late\"");
}

/* What only a whole schema tells; returns what is said of the master key. */
static const char *
look_closer(bool has_key, StringInfo remarks)
{
	CgIdentity      identity;
	CgSpi           spi;
	CgInstanceState instance;
	bool            opens;

	cg_run_as_owner(&identity);
	cg_spi_begin(&spi, "telling whether the server is ready");
	opens = has_key && opens_sealed();
	instance = cg_instance_state(NULL);
	if (instance != CG_INSTANCE_ACTIVE)
		appendStringInfo(remarks, ",\"sending\":\"%s\"",
						 instance == CG_INSTANCE_PAUSED ? "paused" : "not activated");
	append_late(remarks);
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
	return opens ? "ok" : has_key ? "does not open" : "not usable";
}

void
cg_health_get(const CgRequest *request, CgResponse *response)
{
	const char    *ready = cg_target_param(&request->target, "ready");
	CgSchemaState  schema;
	StringInfoData remarks;
	const char    *key;
	bool           has_key;
	bool           is_standby;

	cg_response_is_json(response);
	cg_response_header(response, "Cache-Control", "no-store");
	if (ready == NULL || strcmp(ready, "1") != 0)
	{
		appendStringInfoString(&response->body, "{\"status\":\"ok\"}");
		return;
	}
	initStringInfo(&remarks);
	schema = cg_schema_state();
	has_key = cg_master_key_is_usable();
	key = has_key ? "ok" : "not usable";
	is_standby = RecoveryInProgress();
	if (schema == CG_SCHEMA_CURRENT)
		key = look_closer(has_key, &remarks);
	if (schema != CG_SCHEMA_CURRENT || strcmp(key, "ok") != 0 || is_standby)
		response->status = 503;
	appendStringInfo(&response->body,
					 "{\"status\":\"%s\",\"schema\":\"%s\",\"master_key\":\"%s\","
					 "\"role\":\"%s\"%s}",
					 response->status == 200 ? "ready" : "not ready",
					 describe_schema(schema), key, is_standby ? "standby" : "primary",
					 is_standby ? "" : remarks.data);
}
