// node_server.mjs
//		What the HTTP surface is compared with: Node.js and pg running the same
//		transaction (role, context, ten rows) with a pool of the same size.
//
// Environment: PGHOST PGPORT PGDATABASE, NODE_PORT, POOL, BUSINESS.
import http from 'node:http';
import pg from '../client/node_modules/pg/lib/index.js';

const pool = new pg.Pool({ user: 'authenticator', max: Number(process.env.POOL) });
const claims = JSON.stringify({ business_id: process.env.BUSINESS, role: 'user' });
const list = {
  name: 'list',
  text: 'SELECT id, name, phone, email, status, source, created_at FROM cloudgreet.leads WHERE status = $1 ORDER BY created_at DESC LIMIT 10',
  values: ['new'],
};

http.createServer(async (request, response) => {
  const connection = await pool.connect();
  try {
    await connection.query('BEGIN READ ONLY');
    await connection.query("SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [claims]);
    const { rows } = await connection.query(list);
    await connection.query('COMMIT');
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(rows));
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  } finally {
    connection.release();
  }
}).listen(Number(process.env.NODE_PORT), '127.0.0.1', () => console.log('listening'));
