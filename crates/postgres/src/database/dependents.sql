with recursive
-- The objects of fhirmill, with the row types of its relations.
ours as (
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'etl' and c.relkind in ('r', 'v')
      or n.nspname = 'public' and c.relkind = 'r'
      or n.nspname = 'analytics' and c.relkind = 'v' and obj_description(c.oid, 'pg_class') is not null),
-- What needs what: views by their rules, functions and others directly.
need as (
  select case d.classid when 'pg_rewrite'::regclass then 'pg_class'::regclass else d.classid end as class_id,
         case d.classid when 'pg_rewrite'::regclass then r.ev_class else d.objid end as id,
         case d.refclassid when 'pg_type'::regclass then 'pg_class'::regclass else d.refclassid end as needed_class_id,
         case d.refclassid when 'pg_type'::regclass then t.typrelid else d.refobjid end as needed_id
    from pg_depend d
    left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid in
              (d.refobjid, (select e.typelem from pg_type e where e.oid = d.refobjid and e.typcategory = 'A'))
          and t.typrelid <> 0
   where d.deptype in ('n', 'a')
     and d.classid in ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_class'::regclass)
     and d.refclassid in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass)),
dependent as (
  select n.class_id, n.id, 1 as depth
    from need n
   where n.needed_class_id = 'pg_class'::regclass and n.needed_id in (select oid from ours)
     and not (n.class_id = 'pg_class'::regclass and n.id in (select oid from ours))
  union
  select n.class_id, n.id, d.depth + 1
    from dependent d
    join need n on n.needed_class_id = d.class_id and n.needed_id = d.id
   where (n.class_id, n.id) <> (d.class_id, d.id) and d.depth < 100
     and not (n.class_id = 'pg_class'::regclass and n.id in (select oid from ours))),
ordered as (
  select class_id, id, max(depth) as depth from dependent group by class_id, id),
relation as (
  select o.depth, c.oid, c.relkind, c.relowner, c.relacl, c.relispopulated, c.reloptions,
         c.oid::regclass::text as name,
         case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind
    from ordered o
    join pg_class c on o.class_id = 'pg_class'::regclass and c.oid = o.id
   -- Indexes, sequences and toast tables go with their tables; so do ours.
   where c.relkind in ('v', 'm', 'r', 'p', 'f')
     and not exists (select from pg_namespace n where n.oid = c.relnamespace and (n.nspname = 'etl' or n.nspname ~ '^pg_'))),
rights as (
  select r.oid, string_agg(format('grant %s on %s to %s%s;', a.privilege_type, r.name,
                                  case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
                                  case when a.is_grantable then ' with grant option' else '' end), E'\n') as sql
    from relation r cross join lateral aclexplode(r.relacl) a
   where a.grantee <> r.relowner
   group by r.oid),
column_rights as (
  select r.oid, string_agg(format('grant %s (%I) on %s to %s;', a.privilege_type, t.attname, r.name,
                                  case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end), E'\n') as sql
    from relation r
    join pg_attribute t on t.attrelid = r.oid and t.attnum > 0 and not t.attisdropped
   cross join lateral aclexplode(t.attacl) a
   group by r.oid),
comments as (
  select r.oid, string_agg(case d.objsubid when 0 then format('comment on %s %s is %L;', r.kind, r.name, d.description)
                                else format('comment on column %s.%I is %L;', r.name, t.attname, d.description) end, E'\n') as sql
    from relation r
    join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = r.oid
    left join pg_attribute t on t.attrelid = r.oid and t.attnum = d.objsubid
   group by r.oid),
indexes as (
  select r.oid, string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\n' order by i.indexrelid) as sql
    from relation r join pg_index i on i.indrelid = r.oid
   where r.relkind = 'm'
   group by r.oid),
triggers as (
  select r.oid, string_agg(pg_get_triggerdef(t.oid) || ';', E'\n' order by t.tgname) as sql
    from relation r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
   where r.relkind = 'v'
   group by r.oid),
rules as (
  select r.oid, string_agg(pg_get_ruledef(u.oid), E'\n' order by u.rulename) as sql
    from relation r join pg_rewrite u on u.ev_class = r.oid and u.rulename <> '_RETURN'
   where r.relkind in ('v', 'm')
   group by r.oid)
select format('%s %s of %s', r.kind, r.name, quote_ident(pg_get_userbyid(r.relowner))) as name,
       case when r.relkind in ('v', 'm') then format('drop %s %s', r.kind, r.name) end as drop,
       case when r.relkind in ('v', 'm') then
         concat_ws(E'\n',
           format('create %s %s%s as %s%s;', r.kind, r.name,
                  ' with (' || array_to_string(r.reloptions, ', ') || ')',
                  rtrim(pg_get_viewdef(r.oid), ';'),
                  case when r.relkind = 'm' and not r.relispopulated then ' with no data' else '' end),
           i.sql, t.sql, u.sql, c.sql, p.sql, k.sql,
           format('alter %s %s owner to %I;', r.kind, r.name, pg_get_userbyid(r.relowner)))
       end as create,
       r.depth, 0 as kind_order
  from relation r
  left join rights p using (oid)
  left join column_rights k using (oid)
  left join comments c using (oid)
  left join indexes i using (oid)
  left join triggers t using (oid)
  left join rules u using (oid)
union all
select format('function %s of %s', p.oid::regprocedure, quote_ident(pg_get_userbyid(p.proowner))),
       format('drop %s %s', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure),
       concat_ws(E'\n',
         pg_get_functiondef(p.oid) || ';',
         'revoke all on routine ' || p.oid::regprocedure || case when p.proacl is null then null else ' from public;' end,
         (select string_agg(format('grant execute on routine %s to %s;', p.oid::regprocedure,
                                   case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end), E'\n')
            from aclexplode(p.proacl) a where a.grantee <> p.proowner),
         'comment on routine ' || p.oid::regprocedure || ' is ' || quote_literal(obj_description(p.oid, 'pg_proc')) || ';',
         format('alter routine %s owner to %I;', p.oid::regprocedure, pg_get_userbyid(p.proowner))),
       o.depth, 1
  from ordered o
  join pg_proc p on o.class_id = 'pg_proc'::regclass and p.oid = o.id and p.prokind in ('f', 'p')
 where not exists (select from pg_namespace n where n.oid = p.pronamespace and (n.nspname = 'etl' or n.nspname ~ '^pg_'))
   and p.oid is distinct from to_regprocedure('analytics.local_date(text)')
 order by depth, kind_order, name
