-- archive_path was absolute, so `show` and `remap` lost every file as soon as
-- the archive moved. It is now relative: to ARCHIVE_DIR, or to REJECTS_DIR for
-- a rejected file.
--
-- SQL does not know these folders, but the layout below them has always been
--   <ARCHIVE_DIR>/<yyyy-mm-dd>/<source>/<name>
--   <REJECTS_DIR>/<source>/<name>
-- so what precedes it is the folder. Where the ledger knows several (the
-- setting was changed once), only paths in the folder of the newest file are
-- made relative. All others, and paths of another layout, stay absolute: the
-- program still opens those where they are, and if nothing is there, looks for
-- them by the same layout in today's folder. A one-time rewrite by the program
-- could do no better, since the settings at that moment need not be those
-- under which the files were archived.
--
-- In a relative path, bytes that are not UTF-8, control characters, and
-- percent signs before two hexadecimal digits are escaped as %hh, as they are
-- in etl.load_file.path.
with absolute as (
  select id, archive_path, status = 'rejected' as is_rejected,
         substring(archive_path from
           case status
             when 'rejected' then '^(/|/.*/)[^/]+/[^/]+$'
             else '^(/|/.*/)[0-9]{4}-[0-9]{2}-[0-9]{2}/[^/]+/[^/]+$'
           end) as folder
    from etl.load_file
   where archive_path like '/%'
), newest as (
  select distinct on (is_rejected) is_rejected, folder
    from absolute
   where folder is not null
   order by is_rejected, id desc
)
update etl.load_file f
   set archive_path = regexp_replace(
         substr(absolute.archive_path, length(absolute.folder) + 1), '%([0-9A-Fa-f]{2})', '%25\1', 'g')
  from absolute
  join newest using (is_rejected, folder)
 where f.id = absolute.id;

comment on column etl.load_file.archive_path is 'where the file is now, relative to ARCHIVE_DIR, or to REJECTS_DIR if it was rejected';
