-- A journal of version 1, as the first trunkline with a journal wrote it.
PRAGMA application_id = 1953655660;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, fence INTEGER NOT NULL, at REAL NOT NULL,
        kind TEXT NOT NULL, path TEXT NOT NULL, value TEXT
    ) STRICT;
INSERT INTO "log" VALUES(1,'acme-10.1',1,1.79562488312418985368e+09,'start','','{"data":{"cidr":"10.1.0.0/16"},"outline":["vpc","api-access","api-access/routers"],"words":["/home/u","up","connect-vpc","--name","acme-10.1"]}');
INSERT INTO "log" VALUES(2,'acme-10.1',1,1.7956248831384186745e+09,'intend','vpc','null');
INSERT INTO "log" VALUES(3,'acme-10.1',1,1.79562488315034294132e+09,'done','vpc','{"vpc_id":"vpc-1"}');
INSERT INTO "log" VALUES(4,'acme-10.1',1,1.79562488332406044004e+09,'owe','api-access','{"cidr":"10.1.0.0/16","vpc_id":"vpc-1"}');
INSERT INTO "log" VALUES(5,'acme-10.1',1,1.79562488333081316949e+09,'opened','api-access','{"door":1}');
INSERT INTO "log" VALUES(6,'acme-10.1',1,1.79562488333087420461e+09,'intend','api-access/routers','null');
INSERT INTO "log" VALUES(7,'acme-10.1',1,1.79562488333581614496e+09,'done','api-access/routers','{"up":true}');
INSERT INTO "log" VALUES(8,'acme-10.1',1,1.79562488333586478235e+09,'body','api-access','null');
INSERT INTO "log" VALUES(9,'acme-10.1',1,1.79562488333641290662e+09,'paid','api-access','null');
INSERT INTO "log" VALUES(10,'acme-10.1',1,1.79562488333793210978e+09,'end','','{"error":null,"status":"done"}');
INSERT INTO "log" VALUES(11,'acme-10.2',1,1.79562488338442778589e+09,'start','','{"data":{"cidr":"10.2.0.0/16"},"outline":["vpc","routers"],"words":["/home/u","up","--json","connect-vpc"]}');
INSERT INTO "log" VALUES(12,'acme-10.2',1,1.79562488338509416586e+09,'intend','vpc','null');
INSERT INTO "log" VALUES(13,'acme-10.2',1,1.79562488341244935992e+09,'done','vpc','{"vpc_id":"vpc-1"}');
INSERT INTO "log" VALUES(14,'acme-10.2',1,1.79562488341248035431e+09,'intend','routers','null');
INSERT INTO "log" VALUES(15,'acme-10.2',1,1.79562488341379427906e+09,'unknown','routers','"ValueError: the router does not answer"');
INSERT INTO "log" VALUES(16,'acme-10.2',1,1.79562488341383624072e+09,'end','','{"error":"ValueError(''the router does not answer'')","status":"failed"}');
INSERT INTO "log" VALUES(17,'library',1,1795624883.44749,'start','','{"data":{},"outline":["vpc"],"words":[]}');
INSERT INTO "log" VALUES(18,'library',1,1.79562488344761872287e+09,'intend','vpc','null');
INSERT INTO "log" VALUES(19,'library',1,1.79562488345572829244e+09,'done','vpc','{"vpc_id":"vpc-1"}');
INSERT INTO "log" VALUES(20,'library',1,1.79562488345577168469e+09,'end','','{"error":null,"status":"done"}');
CREATE TABLE runs (
        name TEXT PRIMARY KEY, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, pid INTEGER, boot TEXT, host TEXT,
        expires REAL NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO "runs" VALUES('acme-10.1',1,NULL,4649,NULL,'workstation',0.0);
INSERT INTO "runs" VALUES('acme-10.2',1,NULL,4649,NULL,'workstation',0.0);
INSERT INTO "runs" VALUES('library',1,NULL,4649,NULL,'workstation',0.0);
CREATE INDEX log_by_run ON log (run, seq);
COMMIT;
