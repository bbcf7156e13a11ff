-- Whoever passed their vote on still finds the request in their list: a requester's list asks for both ends of a seat.
create index approval_requests_seat on approval_requests (org_id, seat_id) where state = 'requested';
