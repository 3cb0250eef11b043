/*
 * rest_lists.sql
 *		Lists as people and programs write them: blanks and line ends in the lists of a URL, quoted items, the lists of
 *		Prefer, Accept and Range (RFC 9110 5.6.1, RFC 7240), and pages that lie beyond what there is.
 */
\set ECHO none
\i test/lib/ask.sql
INSERT INTO cloudgreet.leads (business_id, name, notes, tags)
SELECT :'business', name, notes, tags
  FROM (VALUES ('Ida Moe', 'a, b', ARRAY['x', 'y']), ('Jo (home)', 'say "hi"', '{}'), ('Kit', 'back\slash', '{}'), ('Lu. St. Clair', NULL, '{}')) v (name, notes, tags);
CREATE FUNCTION public.names(token text, query text) RETURNS TABLE (status int, names text) LANGUAGE sql AS
$$
    SELECT a.status, CASE WHEN a.status = 200 THEN (SELECT string_agg(n ->> 'name', '|' ORDER BY n ->> 'name') FROM jsonb_array_elements(a.body::jsonb) n) ELSE a.body::jsonb ->> 'code' END
      FROM public.ask('GET', '/rest/v1/leads?' || query, token) a
$$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Blanks, tabs and line ends around the items of a list and its parentheses.
SELECT q, n.* FROM unnest(ARRAY[E'or=(name.eq.Kit,\n\tname.eq.Ida Moe)', E'or=(\r\n  name.eq.Kit  ,\r\n  name.eq.Ida Moe\r\n)', ' or= ( name.eq.Kit , and ( name.like.I* , notes.not.is.null ) ) ', 'and=( name.gt.Ida Moe, not.or( name.eq.Kit, name.eq.x ) )',
    'or=(name.in.( Kit , "Ida Moe" ), notes.is.null )', 'name=in.(Kit, Ida Moe)', E'name=in.(\n  "Kit",\n  "Ida Moe"\n)', 'name=not.in.( Kit ,Ida Moe)', 'select= name , id &order= name.desc , id.asc', E'select=id,\n  name\n&order=\n name.desc.nullslast,\n id',
    'select=called : name, name', 'select=%20&name=eq.Kit', 'order=%20&name=eq.Kit']) q, public.names(:'admin', ltrim(q)) n;
-- Quoted items: commas, dots, parentheses, quotes and backslashes are themselves.
SELECT q, n.* FROM unnest(ARRAY['or=(notes.eq."a, b", notes.eq."say \"hi\"")', 'or=(notes.eq."back\\slash",name.eq."Jo (home)")', 'or=(name.eq.Jo (home), name.eq.Lu. St. Clair)', 'name=in.("Lu. St. Clair", "Jo (home)")', 'name=in.(Jo (home),Kit)',
    'notes=in.("a, b","say \"hi\"","back\\slash")', 'or=("name".eq.Kit, "name".in.("Ida Moe"))', '"name"=eq.Kit', 'select="name", "id"&name=eq.Kit', 'select="n, 1":"name",name&name=eq.Kit', 'order="name".desc, "id"&name=eq.Kit',
    'or=(tags.eq.{x,y}, name.eq.none)', 'or=(tags.eq."{x,y}",name.eq.none)', 'name=in.()', 'name=in.("")', 'name=eq. Kit', 'name=eq."Kit"']) q, public.names(:'admin', q) n;
-- What is no list stays refused.
SELECT q, n.* FROM unnest(ARRAY['or=(name.eq.Kit, )', 'or=( )', 'or=(,name.eq.Kit)', 'or=(name.eq.Kit', 'or=(name.eq.Kit) x', 'or=(name.eq."Kit" x)', 'or=(name.in.(Kit)', 'name=in.(Kit', 'name=in.(Kit) x', 'name=in.("Kit" x)', 'name=in.Kit', 'or=(name.in.Kit)',
    'select=name,', 'select=,name', 'select="name" x', 'select=x:', 'select=:name', 'order=name.up', 'order=name, ', 'order="name"desc', 'order=name.desc.', 'or=(and name.eq.Kit)']) q, public.names(:'admin', q) n;
SELECT status, body FROM public.ask('POST', '/rest/v1/leads?columns= "name" , notes &select=name,notes,source', :'admin', '[{"name": "New", "notes": "n", "source": "no"}]', '{"prefer": "return=representation"}');
DELETE FROM cloudgreet.leads WHERE name = 'New';
-- Prefer: blanks, parameters, empty elements, quoted strings; names without case; the first of one name counts.
SELECT prefer, a.* FROM unnest(ARRAY['return=representation, count=exact', E'count=exact \t,\treturn=representation ', ',, return=representation;note=x ;more="a, b" , ,count=exact;x,', 'Return=representation, COUNT=exact', 'return = "representation", count="exact"',
    'wait=10, return=representation, count=exact, respond-async', 'return=representation, return=minimal, count=exact', 'return=minimal, return=representation', 'count=exact; return=representation', 'count=exact, note="return=representation, x"', 'return="representation, count=exact"', 'returns=representation', '', ' , ']) prefer,
    public.ask('PATCH', '/rest/v1/leads?select=name&name=eq.Kit', :'admin', '{"source": "web"}', jsonb_build_object('prefer', prefer)) a;
SELECT prefer, a.status, a.body FROM unnest(ARRAY['handling=strict, count=exact', 'handling=strict, return=minimal, anything', 'other="a, b";c, Handling=STRICT, wait=10', 'handling=lenient, anything', 'handling=lenient, handling=strict, anything', 'handling=loose, anything', 'count=exact, count=planned', 'count=planned;x']) prefer,
    public.ask('GET', '/rest/v1/leads?select=name&name=eq.Kit', :'admin', more => jsonb_build_object('prefer', prefer)) a;
SELECT substring(r.head FROM 'Preference-Applied: ([^\r]*)') FROM unnest(ARRAY['wait=1,handling=strict', 'wait=1,handling=lenient;x , COUNT=exact, return=minimal']) prefer, cloudgreet.http('GET', '/rest/v1/leads', jsonb_build_object('authorization', 'Bearer ' || :'admin', 'prefer', prefer), '') r;
-- Accept: case, blanks, empty elements, what is not acceptable at all.
SELECT accept, a.status, a.body FROM unnest(ARRAY['Application/JSON', ' , text/csv ,application/json ; charset=utf-8', 'application/json;q=0, text/csv', 'text/csv;x=", application/json"', 'application/json;q=0.0, application/vnd.pgrst.object+json;q=0.001', 'application/vnd.pgrst.object+json ; charset="utf-8"', ' , ']) accept,
    public.ask('GET', '/rest/v1/leads?select=name&name=eq.Kit', :'admin', more => jsonb_build_object('accept', accept)) a;
-- Range: unit without case, empty elements, another unit; a page beyond a counted total is 416 and says how many there are.
SELECT range, a.* FROM unnest(ARRAY['Items=1-1', ' items=1-1 ', 'items=,1-1 ,', 'items= 3-9', '3-9223372036854775807', 'items=3-99999999999999999999', '4-9', 'items=4-', '5-9', 'items=99999999999999999999-', 'items=2-1', 'items=0-0,2-2', 'items=-2', 'pages=5-9', 'items=']) range,
    public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => jsonb_build_object('range', range, 'prefer', 'count=exact')) a;
SELECT unit, a.* FROM unnest(ARRAY['Items ', 'bytes', '']) unit, public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => jsonb_build_object('range', '1-1', 'range-unit', unit)) a;
-- The same by offset and limit, with the total counted and not.
SELECT q, a.status, a.range_or_allow AS counted, a.body, b.status, b.range_or_allow AS not_counted, b.body FROM unnest(ARRAY['offset=3', 'offset=4', 'offset=5', 'offset=2000&limit=10', 'limit=0', 'limit=0&offset=2', 'offset=9223372036854775807&limit=9223372036854775807', 'offset=99999999999999999999', 'offset=3&limit=99999999999999999999',
    'limit=-1', 'offset=-1', 'limit=1.5', 'offset=', 'limit=1 ', 'name=eq.none', 'name=eq.none&offset=1', 'name=eq.none&limit=0']) q,
    public.ask('GET', '/rest/v1/leads?select=name&order=name&' || q, :'admin', more => '{"prefer": "count=exact"}') a, public.ask('GET', '/rest/v1/leads?select=name&order=name&' || q, :'admin') b;
SELECT * FROM public.ask('HEAD', '/rest/v1/leads?offset=2000', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?offset=2000', :'admin', more => '{"prefer": "count=exact", "accept": "application/vnd.pgrst.object+json"}');

\set ECHO none
DROP FUNCTION public.names;
\i test/lib/drop_ask.sql
