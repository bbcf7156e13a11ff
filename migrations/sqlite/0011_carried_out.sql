-- Written in the transaction of the request's own changes: a process that dies before it has kept the answer leaves behind
-- that there was one, so a repeat is not carried out a second time.
alter table idempotency_keys add column carried_out_at text;
