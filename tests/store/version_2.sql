-- A store of version 2 (0.1.0 before its columns were renamed), with a login and a request that
-- presents its ticket. Its key: 31 zero bytes and a 1.
PRAGMA application_id = 1398035538;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE captures (
  "capture_id" INTEGER NOT NULL,
  "source" TEXT NOT NULL,
  "name" TEXT,
  "at_us" INTEGER NOT NULL,
  "exchanges" INTEGER NOT NULL,
  "duplicates" INTEGER NOT NULL,
  "skipped" INTEGER NOT NULL,
  "problem" TEXT,
  PRIMARY KEY (capture_id)
) STRICT;
INSERT INTO "captures" VALUES(1,'live',NULL,1795921518379520,2,0,0,NULL);
CREATE TABLE exchanges (
  "exchange_id" INTEGER NOT NULL,
  "flow_id" TEXT NOT NULL,
  "request_start_us" INTEGER NOT NULL,
  "request_end_us" INTEGER,
  "response_start_us" INTEGER,
  "response_end_us" INTEGER,
  "peer" TEXT,
  "user_agent" TEXT,
  "proxy_user" TEXT,
  "client_header" TEXT,
  "method" TEXT NOT NULL,
  "scheme" TEXT NOT NULL,
  "host" TEXT NOT NULL,
  "port" INTEGER NOT NULL,
  "path" TEXT NOT NULL,
  "endpoint" TEXT NOT NULL,
  "status" INTEGER,
  "http_version" TEXT NOT NULL,
  "request_bytes" INTEGER,
  "response_bytes" INTEGER,
  "error" TEXT,
  "cache_control" TEXT,
  "age_s" INTEGER,
  "request_origin" TEXT,
  "exposed_headers" TEXT,
  "dialects" TEXT NOT NULL,
  "notes" TEXT NOT NULL,
  PRIMARY KEY (exchange_id)
) STRICT;
INSERT INTO "exchanges" VALUES(1,'login',1700000000000000,1700000000001000,1700000000010000,1700000000020000,'192.0.2.7',NULL,NULL,NULL,'POST','https','shop.example',443,'/services/v3/login','/services/v3/login',200,'HTTP/1.1',0,0,NULL,NULL,NULL,NULL,NULL,'52eseller','');
INSERT INTO "exchanges" VALUES(2,'products',1700000002000000,1700000002001000,1700000002010000,1700000002020000,'192.0.2.7',NULL,NULL,NULL,'GET','https','shop.example',443,'/services/v3/products','/services/v3/products',200,'HTTP/1.1',0,0,NULL,NULL,NULL,NULL,NULL,'52eseller','');
CREATE TABLE issued (
  "exchange_id" INTEGER NOT NULL,
  "ordinal" INTEGER NOT NULL,
  "dialect" TEXT NOT NULL,
  "param" TEXT NOT NULL,
  "value" TEXT,
  "fingerprint" INTEGER NOT NULL,
  "normal_fingerprint" INTEGER NOT NULL,
  "prefix_fingerprint" INTEGER,
  "usage" TEXT,
  "priority" TEXT,
  "channel" TEXT NOT NULL,
  "problem" TEXT,
  "length" INTEGER NOT NULL,
  "alphabet" TEXT NOT NULL,
  "declared_s" INTEGER,
  PRIMARY KEY (exchange_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "issued" VALUES(1,0,'52eseller','Ticket',NULL,6323343102019900820,8782627366039653779,3457922005279730125,'header','forced','header',NULL,73,'lower+upper+digit+other',3600);
INSERT INTO "issued" VALUES(1,1,'52eseller','LangId','1',5325402039513616076,5325402039513616076,NULL,'uriquery','informational','header',NULL,1,'digit',NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO "meta" VALUES('key_id','00569d9a936b594c');
CREATE TABLE presented (
  "exchange_id" INTEGER NOT NULL,
  "ordinal" INTEGER NOT NULL,
  "dialect" TEXT NOT NULL,
  "param" TEXT NOT NULL,
  "value" TEXT,
  "fingerprint" INTEGER NOT NULL,
  "normal_fingerprint" INTEGER NOT NULL,
  "prefix_fingerprint" INTEGER,
  "channel" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  PRIMARY KEY (exchange_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "presented" VALUES(2,0,'52eseller','Ticket',NULL,6323343102019900820,8782627366039653779,3457922005279730125,'header','value');
INSERT INTO "presented" VALUES(2,1,'52eseller','LangId','1',5325402039513616076,5325402039513616076,NULL,'uriquery','value');
CREATE TABLE traces (
  "exchange_id" INTEGER NOT NULL,
  "ordinal" INTEGER NOT NULL,
  "place" TEXT NOT NULL,
  "fingerprint" INTEGER NOT NULL,
  PRIMARY KEY (exchange_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "traces" VALUES(2,0,'query',3942148436036111936);
CREATE UNIQUE INDEX exchange_once ON exchanges (request_start_us, flow_id);
COMMIT;
